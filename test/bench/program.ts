import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A program that answers the benchmark's request in its own process. */
export interface ProgramSpec {
  readonly name: string;
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The number of processes that report that they listen. More than one use all cores. */
  readonly processes?: number;
}

export interface Program extends ProgramSpec {
  readonly url: URL;
  readonly pid: number;
  /** The time from the start of the process until it prints its address, in milliseconds. */
  readonly startMs: number;
  /** User and system time so far in milliseconds, child processes included. */
  readonly cpuMs: () => number;
  readonly residentMb: () => number;
  /** Stops the program, with SIGKILL by default. */
  readonly stop: (signal?: 'SIGTERM') => Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TICKS_PER_SECOND = 100;
/** Pins the program to its own core if the system has taskset. */
const PIN = spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', '1'] : [];

export async function startProgram(spec: ProgramSpec, upstreamUrl?: string): Promise<Program> {
  const startedMs = performance.now();
  const { processes = 1 } = spec;
  const [command, ...args] = [...(processes === 1 ? PIN : []), process.execPath, ...spec.script.split(' ')];
  const child = spawn(command ?? '', args, {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      PORT: '0',
      ...(upstreamUrl && { UPSTREAM_URL: upstreamUrl }),
      ...spec.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await readPort(child, spec.name, processes);
  const sum = (of: (pid: number) => number): number =>
    familyOf(child.pid ?? 0).reduce((total, pid) => total + of(pid), 0);
  return {
    ...spec,
    pid: child.pid ?? 0,
    url: new URL(`http://127.0.0.1:${port}/`),
    startMs: performance.now() - startedMs,
    cpuMs: () => sum(cpuMs),
    residentMb: () => sum(residentMb),
    stop: (signal) =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        for (const pid of familyOf(child.pid ?? 0)) process.kill(pid, signal ?? 'SIGKILL');
      }),
  };
}

/** Returns a process and its direct children. */
function familyOf(pid: number): readonly number[] {
  return [pid, ...(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number)];
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Returns the port that a program prints when all of its processes listen. */
export function readPort(child: ChildProcess, name: string, processes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const ports = [...output.matchAll(/listening (\d+)|"address":"http:\/\/127\.0\.0\.1:(\d+)/g)];
      if (ports.length < processes) return;
      resolve(Number(ports[0]?.[1] ?? ports[0]?.[2]));
      // Further output is read and discarded, since a full pipe would block the program.
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read).resume();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`${name} ended before it listened: ${output}`)));
  });
}
