import { ask } from './load.ts';
import { median, table } from './numbers.ts';
import { type ProgramSpec, startProgram } from './program.ts';
import { startUpstream } from './upstream.ts';
import { GATEWAY, PROXY } from './upstream-part.ts';
import { toGraphqlBody, toRequest, toRestBody } from './work.ts';

const STARTS = 7;
/** As `npm run serve` starts it; what is compiled is kept when it ends. */
const KEEPING: ProgramSpec = {
  ...GATEWAY,
  env: { ...GATEWAY.env, DRAIN_MS: '0', NODE_COMPILE_CACHE: 'node_modules/.cache/account-task-gateway' },
};

/** From the start of the process to its first answer, when it was started and ended before. */
export async function startPart(): Promise<string> {
  const upstream = await startUpstream();
  const rows: string[][] = [];
  for (const spec of [PROXY, KEEPING]) {
    await (await startProgram(spec, upstream.url)).stop('SIGTERM');
    const request = spec === PROXY ? toRequest('/', toRestBody()) : toRequest('/graphql', toGraphqlBody());
    const startsMs: number[] = [];
    const cpusMs: number[] = [];
    for (let start = 0; start < STARTS; start += 1) {
      const startedMs = performance.now();
      const program = await startProgram(spec, upstream.url);
      await ask(program.url, request);
      startsMs.push(performance.now() - startedMs);
      cpusMs.push(program.cpuMs());
      await program.stop();
    }
    rows.push([spec.name, ...[median(startsMs), Math.min(...startsMs), median(cpusMs)].map((ms) => ms.toFixed(0))]);
  }
  upstream.close();
  return `## From the start of the process to its first answer\n\n${table(['ms', 'median', 'best', 'CPU'], rows)}`;
}
