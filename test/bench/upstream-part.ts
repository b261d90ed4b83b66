import { ask, repeated } from './load.ts';
import { table } from './numbers.ts';
import { type Program, type ProgramSpec, startProgram } from './program.ts';
import { type Contestant, cpu, measure, type Measured, p50, p99, perSecond, ratio } from './slices.ts';
import { type BenchUpstream, startUpstream } from './upstream.ts';
import { toGraphqlBody, toRequest, toRestBody } from './work.ts';

export const PROXY: ProgramSpec = { name: 'hand-written proxy', script: 'test/bench/programs/proxy.ts' };
export const GATEWAY: ProgramSpec = { name: 'this gateway', script: 'src/cli.ts serve', env: { RECORD: 'off' } };
const PROGRAMS: readonly (ProgramSpec & { readonly path: string })[] = [
  { ...PROXY, path: '/' },
  { ...GATEWAY, path: '/graphql' },
  { ...GATEWAY, name: 'this gateway, XML', env: { RECORD: 'off', UPSTREAM_FORMAT: 'xml' }, path: '/graphql' },
  { ...GATEWAY, name: 'this gateway, RECORD=on', env: { DATABASE_URL: 'sqlite::memory:' }, path: '/graphql' },
  { name: 'Mercurius + jit', script: 'test/bench/programs/mercurius.ts', path: '/graphql' },
  { name: 'Yoga', script: 'test/bench/programs/yoga.ts', path: '/graphql' },
  { name: 'Apollo Server + RESTDataSource', script: 'test/bench/programs/apollo.ts', path: '/' },
];
const CREATED_ID = '38706cb9-d3c5-4ec9-80f7-97a5373b2de5';
/** Many short rounds, since the load of the machine changes within seconds. */
const ROUNDS = 17;
const SLICE_MS = 400;

/** One create through each program, with 64 connections and with one. */
export async function upstreamPart(): Promise<string> {
  const upstream = await startUpstream();
  const programs: Program[] = [];
  try {
    const contestants: Contestant[] = [];
    for (const { path, ...spec } of PROGRAMS) {
      const program = await startProgram(spec, upstream.url);
      programs.push(program);
      const body = spec.name === PROXY.name ? toRestBody() : toGraphqlBody();
      contestants.push(await contestant(program, toRequest(path, body)));
    }
    const sections: string[] = [];
    for (const connections of [64, 1]) {
      const measured = await measure(contestants, {
        connections,
        rounds: ROUNDS,
        sliceMs: SLICE_MS,
        warmUpRequests: connections === 1 ? 0 : 250_000,
        check: oneCallForEachAnswer(upstream),
      });
      sections.push(`### ${connections} connection${connections === 1 ? '' : 's'}\n\n${compare(measured)}`);
    }
    return `## One create, all fields, one call of the service\n\n${sections.join('\n\n')}`;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    upstream.close();
  }
}

/** A program with its repeated request, whose first answer is checked. */
export async function contestant(program: Program, request: Buffer): Promise<Contestant> {
  const answer = await ask(program.url, request);
  if (!answer.includes(CREATED_ID) || answer.includes('"errors"'))
    throw new Error(`${program.name} answered ${answer.toString().slice(0, 500)}`);
  return { program, question: repeated(request, answer) };
}

/** Checks that the service was called once for each answer, or `calls` times. */
export function oneCallForEachAnswer(upstream: BenchUpstream, calls = 1): (name: string, requests: number) => void {
  let before = upstream.answered();
  return (name, requests) => {
    const made = upstream.answered() - before;
    before = upstream.answered();
    if (made !== requests * calls) throw new Error(`${name}: ${requests} answers, ${made} calls of the service`);
  };
}

function compare(measured: readonly Measured[]): string {
  const [proxy] = measured as readonly [Measured];
  const rows = measured.map((one) => [
    one.name,
    ...[cpu, perSecond, p50, p99].map((of) => ratio(one, proxy, of).toFixed(2)),
    (one.program.residentMb() / proxy.program.residentMb()).toFixed(2),
  ]);
  return table(['ratios to the proxy', 'CPU', 'answers/s', 'p50', 'p99', 'RSS'], rows);
}
