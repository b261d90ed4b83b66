import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ask, load, type LoadResult } from './load.ts';
import { startUpstream } from './upstream.ts';
import { GRAPHQL_BODY, toRequest } from './work.ts';

// One gateway with one process against one with several, as WORKERS says, in alternating slices of one run:
//   npx node test/bench/workers.ts [connections] [rounds] [slice in ms] [workers, separated by commas]

interface Slice extends LoadResult {
  readonly cpuPerThousandMs: number;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REQUEST = toRequest('/graphql', GRAPHQL_BODY);
const MS_PER_TICK = 10;

const [connections = 64, rounds = 5, sliceMs = 1500] = process.argv.slice(2, 5).map(Number);
const counts = (process.argv[5] ?? '1,2').split(',').map(Number);

const upstream = await startUpstream();
const gateways = await Promise.all(counts.map(startGateway));
const slices = new Map<number, Slice[]>(counts.map((workers) => [workers, []]));
for (const { url } of gateways) await load(url, REQUEST, await ask(url, REQUEST), connections, 2 * sliceMs);
for (let round = 0; round < rounds; round += 1) {
  for (const { workers, url, pids } of gateways) {
    const expected = await ask(url, REQUEST);
    const before = { cpuMs: cpuMs(pids()), answered: upstream.answered() };
    const result = await load(url, REQUEST, expected, connections, sliceMs);
    const calls = upstream.answered() - before.answered;
    if (calls !== result.requests) throw new Error(`${workers} workers: ${result.requests} answers, ${calls} calls`);
    const cpuPerThousandMs = ((cpuMs(pids()) - before.cpuMs) / result.requests) * 1000;
    slices.get(workers)?.push({ ...result, cpuPerThousandMs });
  }
}

const base = slices.get(counts[0] ?? 1) ?? [];
console.log(
  `${connections} connections, ${rounds} slices of ${sliceMs} ms each, ratios to WORKERS=${counts[0]} in the same round.`,
);
console.log(
  `${availableParallelism()} cores, one of them busy with the load and the service: more workers than are left gain nothing.\n`,
);
console.log('| WORKERS | requests/s | ratio | CPU ms per 1,000 | ratio | p50 ratio | p99 ratio | RSS MB |');
console.log('|---|---|---|---|---|---|---|---|');
for (const { workers, pids, stop } of gateways) {
  const own = slices.get(workers) ?? [];
  const middle = (of: (slice: Slice) => number) => median(own.map(of));
  const ratio = (of: (slice: Slice) => number) =>
    median(own.map((slice, round) => of(slice) / of(base[round] as Slice))).toFixed(2);
  const columns = [
    workers,
    middle(rate).toFixed(0),
    ratio(rate),
    middle((slice) => slice.cpuPerThousandMs).toFixed(0),
    ratio((slice) => slice.cpuPerThousandMs),
    ratio((slice) => quantile(slice, 0.5)),
    ratio((slice) => quantile(slice, 0.99)),
    residentMb(pids()).toFixed(0),
  ];
  console.log(`| ${columns.join(' | ')} |`);
  await stop();
}
upstream.close();

/** Resolves once as many processes serve as it has workers. */
async function startGateway(workers: number) {
  const child = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      UPSTREAM_URL: upstream.url,
      RECORD: 'off',
      PORT: '0',
      WORKERS: String(workers),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const addresses = [...output.matchAll(/"address":"http:\/\/127\.0\.0\.1:(\d+)/g)];
      if (addresses.length === workers) resolve(addresses[0]?.[1] ?? '');
    });
    child.once('exit', () => reject(new Error(`WORKERS=${workers} ended before it served: ${output}`)));
  });
  return {
    workers,
    url: new URL(`http://127.0.0.1:${port}/`),
    /** Its own, and those of its workers. */
    pids: () => [child.pid ?? 0, ...childrenOf(child.pid ?? 0)],
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGINT');
      }),
  };
}

function childrenOf(pid: number): readonly number[] {
  return (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
}

/** User and system time so far of all of these processes. */
function cpuMs(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, of) => sum + of, 0) * MS_PER_TICK;
}

function residentMb(pids: readonly number[]): number {
  const sizes = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]));
  return sizes.reduce((sum, of) => sum + of, 0) / 1024;
}

function quantile({ latenciesMs }: LoadResult, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function rate({ requests, seconds }: LoadResult): number {
  return requests / seconds;
}
