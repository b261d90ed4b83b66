import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Something that answers the benchmark's request, in a process of its own. */
export interface ProgramSpec {
  readonly name: string;
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How many processes say that they listen; more than one get all cores. */
  readonly processes?: number;
}

export interface Program extends ProgramSpec {
  readonly url: URL;
  /** From the start of the process to its address, in milliseconds. */
  readonly startMs: number;
  /** User and system time so far, its child processes' included, in milliseconds. */
  readonly cpuMs: () => number;
  readonly residentMb: () => number;
  /** Killed unless it is told otherwise. */
  readonly stop: (signal?: 'SIGTERM') => Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TICKS_PER_SECOND = 100;
/** The program has a core of its own where the system can say so. */
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

/** A process and its children, which are none of theirs. */
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

function readPort(child: ChildProcess, name: string, processes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const ports = [...output.matchAll(/listening (\d+)|"address":"http:\/\/127\.0\.0\.1:(\d+)/g)];
      if (ports.length < processes) return;
      resolve(Number(ports[0]?.[1] ?? ports[0]?.[2]));
      // What it logs from here on is read, for a full pipe would hold it up, and forgotten.
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read).resume();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`${name} ended before it listened: ${output}`)));
  });
}
