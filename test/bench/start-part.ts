import { execFileSync } from 'node:child_process';
import { median, table } from './numbers.ts';
import { type ProgramSpec, startProgram } from './program.ts';
import { startUpstream } from './upstream.ts';
import { contestant, GATEWAY, PROXY } from './upstream-part.ts';
import { toGraphqlBody, toRequest, toRestBody } from './work.ts';

const STARTS = 15;
/** Started as the package and the image start it. */
const PACKAGED: ProgramSpec = {
  ...GATEWAY,
  name: 'this gateway, packaged',
  script: 'dist/cli.js serve',
  env: { ...GATEWAY.env, DRAIN_MS: '0' },
};
/** Keeps compiled code when the process ends. */
const KEPT = { ...PACKAGED.env, NODE_COMPILE_CACHE: 'node_modules/.cache/account-task-gateway' };
const PACKAGED_AND_KEPT: ProgramSpec = { ...PACKAGED, name: `${PACKAGED.name}, compiled code kept`, env: KEPT };
/** Started as `npm run serve` starts it. */
const FROM_SOURCES: ProgramSpec = { ...GATEWAY, name: 'this gateway, from its sources, the same', env: KEPT };

/** The time from the start of the process to its first answered create, after an earlier start and end. */
export async function startPart(): Promise<string> {
  execFileSync('npm', ['run', 'build'], { stdio: 'ignore' });
  const upstream = await startUpstream();
  const programs = [PROXY, PACKAGED, PACKAGED_AND_KEPT, FROM_SOURCES].map((spec) => ({
    spec,
    startsMs: [] as number[],
    cpusMs: [] as number[],
  }));
  for (const { spec } of programs) await (await startProgram(spec, upstream.url)).stop('SIGTERM');
  for (let start = 0; start < STARTS; start += 1)
    for (const { spec, startsMs, cpusMs } of programs) {
      const startedMs = performance.now();
      const program = await startProgram(spec, upstream.url);
      await contestant(program, spec === PROXY ? toRequest('/', toRestBody()) : toRequest('/graphql', toGraphqlBody()));
      startsMs.push(performance.now() - startedMs);
      cpusMs.push(program.cpuMs());
      await program.stop();
    }
  upstream.close();
  const rows = programs.map(({ spec, startsMs, cpusMs }) => [
    spec.name,
    ...[median(startsMs), Math.min(...startsMs), median(cpusMs)].map((ms) => ms.toFixed(0)),
  ]);
  return `## From the start of the process to its first answered create\n\n${table(['ms', 'median', 'best', 'CPU'], rows)}`;
}
