import { ask, load, type LoadResult } from './load.ts';
import { type Program, type ProgramSpec, startProgram } from './program.ts';
import { startUpstream } from './upstream.ts';
import { GRAPHQL_BODY, REST_BODY, toRequest } from './work.ts';

const GRAPHQL_REQUEST = toRequest('/graphql', GRAPHQL_BODY);
const GATEWAY = { script: 'src/cli.ts serve', request: GRAPHQL_REQUEST };
const PROGRAMS: readonly ProgramSpec[] = [
  { name: 'proxy', script: 'test/bench/programs/proxy.ts', request: toRequest('/', REST_BODY) },
  { name: 'gateway', ...GATEWAY, env: { RECORD: 'off' } },
  { name: 'gateway, XML', ...GATEWAY, env: { RECORD: 'off', UPSTREAM_FORMAT: 'xml' } },
  { name: 'gateway, recording', ...GATEWAY, env: { DATABASE_URL: 'sqlite::memory:' } },
  { name: 'Mercurius + jit', script: 'test/bench/programs/mercurius.ts', request: GRAPHQL_REQUEST },
  { name: 'Yoga', script: 'test/bench/programs/yoga.ts', request: GRAPHQL_REQUEST },
  { name: 'Apollo Server', script: 'test/bench/programs/apollo.ts', request: toRequest('/', GRAPHQL_BODY) },
];

interface Slice extends LoadResult {
  readonly cpuPerThousandMs: number;
}

const connections = Number(process.argv[2] ?? 64);
const rounds = Number(process.argv[3] ?? 5);
const sliceMs = Number(process.argv[4] ?? 1500);
const only = process.argv[5]?.split(',');

const upstream = await startUpstream();
const programs: Program[] = [];
for (const spec of PROGRAMS) {
  if (only && spec.name !== 'proxy' && !only.includes(spec.name)) continue;
  programs.push(await startProgram(spec, upstream.url));
}
const expected = new Map<string, Buffer>();
for (const program of programs) {
  const body = await ask(program.url, program.request);
  if (!body.includes('38706cb9-d3c5-4ec9-80f7-97a5373b2de5') || body.includes('"errors"')) {
    throw new Error(`${program.name} answered ${body.toString()}`);
  }
  expected.set(program.name, body);
  await load(program.url, program.request, body, connections, 2 * sliceMs);
}
const slices = new Map<string, Slice[]>(programs.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const program of programs) {
    const before = { cpuMs: program.cpuMs(), answered: upstream.answered() };
    const result = await load(program.url, program.request, expected.get(program.name) as Buffer, connections, sliceMs);
    const calls = upstream.answered() - before.answered;
    if (calls !== result.requests)
      throw new Error(`${program.name}: ${result.requests} answers, ${calls} calls upstream`);
    const cpuPerThousandMs = ((program.cpuMs() - before.cpuMs) / result.requests) * 1000;
    slices.get(program.name)?.push({ ...result, cpuPerThousandMs });
  }
}

const proxy = slices.get('proxy') ?? [];
console.log(
  `${connections} connections, ${rounds} slices of ${sliceMs} ms each, ratios to the proxy in the same round\n`,
);
console.log(
  '| program | CPU / proxy | CPU ms per 1,000 | requests/s / proxy | p50 / proxy | p99 / proxy | RSS MB | start ms |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const program of programs) {
  const own = slices.get(program.name) ?? [];
  const ratio = (of: (slice: Slice) => number) =>
    median(own.map((slice, round) => of(slice) / of(proxy[round] as Slice)));
  const columns = [
    program.name,
    ratio((slice) => slice.cpuPerThousandMs).toFixed(2),
    median(own.map((slice) => slice.cpuPerThousandMs)).toFixed(0),
    ratio((slice) => slice.requests / slice.seconds).toFixed(2),
    ratio((slice) => quantile(slice, 0.5)).toFixed(2),
    ratio((slice) => quantile(slice, 0.99)).toFixed(2),
    program.residentMb().toFixed(0),
    program.startMs.toFixed(0),
  ];
  console.log(`| ${columns.join(' | ')} |`);
  await program.stop();
}
upstream.close();

function quantile({ latenciesMs }: LoadResult, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
