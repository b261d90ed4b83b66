import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { table } from './numbers.ts';
import { type Program, startProgram } from './program.ts';
import { measure } from './slices.ts';
import { contestant, GATEWAY, oneCallForEachAnswer, PROXY } from './upstream-part.ts';
import { startUpstream } from './upstream.ts';
import { toGraphqlBody, toRequest, toRestBody } from './work.ts';

const SAMPLES_PER_SECOND = 997;
const ROUNDS = 21;
const SLICE_MS = 400;
/** V8 compiles the gateway's functions for longer than the benchmark of creates warms it up. */
const WARM_UP = { requests: 250_000, sliceMs: 2_000 };
/** Functions without a row of their own count for the nearest caller that has one. */
const ROWS: readonly (readonly [row: string, pattern: RegExp])[] = [
  ['compiling', /v8::internal::(?:compiler|maglev|Compiler|OptimizingCompile)/],
  ['garbage collection', /v8::internal::(?:Scavenge|MarkCompact|Minor|Concurrent|Sweeper|Heap::(?:Collect|Perform))/],
  ['undici', /\/undici\//],
  ['node:http, net, streams', /node:(?:_http|http|net|internal\/(?:streams|stream_base|http|net))/],
  ['node and V8 around the event loop', /node:/],
  ['the program of the proxy', /\/bench\/programs\//],
  ...['http', 'graphql', 'schema', 'contract', 'upstream', 'wire', 'telemetry', 'event-loop'].map(
    (room) => [`src/${room}`, new RegExp(`/src/${room}/`)] as const,
  ),
];
const KERNEL_WRITE = /tcp_sendmsg|sock_write|sys_writev?\b/;
const REST = 'node and V8 around the event loop';

/** Samples the proxy and the gateway under the same load, with `perf` of Linux. */
export async function profilePart(): Promise<string> {
  const upstream = await startUpstream();
  const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  const programs: Program[] = [];
  try {
    for (const spec of [
      PROXY,
      GATEWAY,
      { ...GATEWAY, name: 'this gateway, XML', env: { RECORD: 'off', UPSTREAM_FORMAT: 'xml' } },
    ])
      programs.push(
        await startProgram(
          { ...spec, script: `--perf-basic-prof --interpreted-frames-native-stack ${spec.script}` },
          upstream.url,
        ),
      );
    const contestants = await Promise.all(
      programs.map((program) =>
        program.name === PROXY.name
          ? contestant(program, toRequest('/', toRestBody()))
          : contestant(program, toRequest('/graphql', toGraphqlBody())),
      ),
    );
    const check = oneCallForEachAnswer(upstream);
    await measure(contestants, {
      connections: 64,
      rounds: 0,
      sliceMs: WARM_UP.sliceMs,
      warmUpRequests: WARM_UP.requests,
      check,
    });
    const recordings = programs.map((program, index) => record(program.pid, join(folder, `${index}.data`)));
    const measured = await measure(contestants, {
      connections: 64,
      rounds: ROUNDS,
      sliceMs: SLICE_MS,
      warmUpRequests: 0,
      check,
    });
    const columns: ReadonlyMap<string, number>[] = [];
    for (const [index, { slices }] of measured.entries()) {
      const counts = await recordings[index]?.();
      const requests = slices.reduce((sum, slice) => sum + slice.requests, 0);
      columns.push(
        new Map([...(counts ?? [])].map(([row, count]) => [row, (count / SAMPLES_PER_SECOND / requests) * 1e6])),
      );
    }
    const names = ['kernel: writing', 'kernel: the rest', ...ROWS.map(([row]) => row)];
    const rows = names.map((name) => [name, ...columns.map((column) => (column.get(name) ?? 0).toFixed(1))]);
    const sums = columns.map((column) => [...column.values()].reduce((sum, value) => sum + value, 0).toFixed(0));
    return `## Where the time goes, µs of CPU for a request\n\n${table(['', ...measured.map(({ name }) => name)], [...rows, ['together', ...sums]])}`;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    upstream.close();
    for (const name of readdirSync(tmpdir()))
      if (programs.some(({ pid }) => name === `perf-${pid}.map`)) rmSync(join(tmpdir(), name));
    rmSync(folder, { recursive: true });
  }
}

/** Starts sampling a process. Returns a function that ends it and counts the samples of each row. */
function record(pid: number, file: string): () => Promise<ReadonlyMap<string, number>> {
  const perf = spawn('perf', ['record', '-q', '-g', '-F', String(SAMPLES_PER_SECOND), '-p', String(pid), '-o', file], {
    stdio: 'inherit',
  });
  return async () => {
    perf.kill('SIGINT');
    await once(perf, 'exit');
    const script = spawn('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const counts = new Map<string, number>();
    let stack: string[] = [];
    for await (const line of createInterface(script.stdout)) {
      if (line.trim() !== '') stack.push(line);
      else if (stack.length > 0) {
        const row = toRow(stack);
        counts.set(row, (counts.get(row) ?? 0) + 1);
        stack = [];
      }
    }
    return counts;
  };
}

/** Returns the row of a sample, whose innermost function comes first. */
function toRow(stack: readonly string[]): string {
  if (stack[0]?.includes('[kernel'))
    return stack.some((frame) => KERNEL_WRITE.test(frame)) ? 'kernel: writing' : 'kernel: the rest';
  const rows = stack.flatMap((frame) => ROWS.find(([, pattern]) => pattern.test(frame))?.[0] ?? []);
  return rows[0] ?? REST;
}
