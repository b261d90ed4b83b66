import { availableParallelism } from 'node:os';
import { table } from './numbers.ts';
import { startProgram } from './program.ts';
import { cpu, measure, p50, p99, perSecond, ratio } from './slices.ts';
import { startUpstream } from './upstream.ts';
import { contestant, GATEWAY, oneCallForEachAnswer } from './upstream-part.ts';
import { toGraphqlBody, toRequest } from './work.ts';

const WORKERS = [1, 2] as const;
const OPTIONS = { connections: 64, rounds: 9, sliceMs: 500, warmUpRequests: 40_000 } as const;

/** The gateway as one process, and as several that share a port. */
export async function workersPart(): Promise<string> {
  const upstream = await startUpstream();
  const programs = await Promise.all(
    WORKERS.map((workers) => {
      const env = { ...GATEWAY.env, WORKERS: String(workers) };
      return startProgram({ ...GATEWAY, name: `WORKERS=${workers}`, env, processes: workers }, upstream.url);
    }),
  );
  try {
    const request = toRequest('/graphql', toGraphqlBody());
    const contestants = await Promise.all(programs.map((program) => contestant(program, request)));
    const measured = await measure(contestants, { ...OPTIONS, check: oneCallForEachAnswer(upstream) });
    const [one] = measured;
    if (!one) throw new Error('Nothing was measured.');
    const rows = measured.map((each) => [
      each.name,
      ...[cpu, perSecond, p50, p99].map((of) => ratio(each, one, of).toFixed(2)),
      (each.program.residentMb() / one.program.residentMb()).toFixed(2),
    ]);
    return (
      `## Several processes\n\nOf ${availableParallelism()} cores one is busy with the load and the service: more workers ` +
      `than are left gain nothing.\n\n${table(['ratios to one', 'CPU', 'answers/s', 'p50', 'p99', 'RSS'], rows)}`
    );
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    upstream.close();
  }
}
