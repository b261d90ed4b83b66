import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HeartbeatRule } from '../../../src/cluster/supervised-worker.ts';
import { inject, onTestFinished } from 'vitest';
import { startGroup } from './process-group.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\//;
const NODE_WARNING = /\(node:\d+\)|ExperimentalWarning|DeprecationWarning/;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatewayProcess {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Sends a signal to every process of the group, as a terminal and a service manager do. */
  readonly killGroup: (signal: NodeJS.Signals) => void;
  /** Resolves once every process of the group has ended. */
  readonly exit: Promise<Exit>;
  /** Resolves with the output that matches; rejects if the process ends without it. */
  readonly output: (pattern: RegExp) => Promise<string>;
  /** Resolves with the address that it prints. */
  readonly address: () => Promise<URL>;
}

/** Starts `npm ARGS` in this project with only these variables, a free port and no close delay. It ends with the test at the latest. */
export function startNpm(args: readonly string[], env: Readonly<Record<string, string>> = {}): GatewayProcess {
  return watch('npm', args, env);
}

/** Starts the program, as `npm run build` bundles it, with these arguments. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): GatewayProcess {
  return watchProgram(inject('program'), args, env);
}

/** Starts workers with a heartbeat rule: see `watched-workers.ts`. They end with the test, or when `onEnd` says. */
export function startWatchedWorkers(
  { intervalMs, maxMissed }: HeartbeatRule,
  env: Readonly<Record<string, string>>,
  onEnd: OnEnd = onTestFinished,
): GatewayProcess {
  return watchProgram(inject('watchedWorkers'), [String(intervalMs), String(maxMissed)], env, onEnd);
}

/** Starts the program with a limit on the size of files, as on a full disk. Not on Windows. */
export function startCliOnSmallDisk(
  maxFileBytes: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): GatewayProcess {
  const limited = 'ulimit -S -f "$0" && exec "$@"';
  return watch('sh', ['-c', limited, String(maxFileBytes / 512), process.execPath, inject('program'), ...args], env);
}

/** Runs a command of the program to its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Exit> {
  return startCli(args, env).exit;
}

/** Returns the address of a SQLite database in a folder that is removed after the test. */
export function temporaryDatabase(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-process-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'gateway.db')}`;
}

/** Returns Node's own warnings in a process's standard error. */
export function nodeWarnings(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => NODE_WARNING.test(line));
}

/** Repeats a signal until the process ends, for longer than repetitions count as one signal. */
export async function killUntilEnd(gateway: GatewayProcess, signal: NodeJS.Signals): Promise<Exit> {
  const timer = setInterval(() => gateway.kill(signal), 50);
  return gateway.exit.finally(() => clearInterval(timer));
}

/** Registers a function to call when a process is no longer needed. */
export type OnEnd = (end: () => void) => void;

/** Starts a bundle with its compiled code, which an earlier process of this run has kept: a tenth less CPU time. */
function watchProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onEnd?: OnEnd,
): GatewayProcess {
  const NODE_COMPILE_CACHE = join(dirname(path), 'compiled');
  return watch(process.execPath, [path, ...args], { NODE_COMPILE_CACHE, ...env }, onEnd);
}

function watch(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onEnd: OnEnd = onTestFinished,
): GatewayProcess {
  const { PATH = '', HOME = '' } = process.env;
  const group = startGroup(command, args, { cwd: ROOT, env: { PATH, HOME, PORT: '0', DRAIN_MS: '0', ...env } });
  const { child } = group;
  let stdout = '';
  let stderr = '';
  const onOutput = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const check of onOutput) check();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const check of onOutput) check();
  });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  onEnd(() => group.kill());
  const output = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const [found] = pattern.exec(stdout) ?? pattern.exec(stderr) ?? [];
        if (found === undefined) return;
        onOutput.delete(check);
        resolve(found);
      };
      onOutput.add(check);
      check();
      exit.then(
        ({ code }) => reject(new Error(`It ended (${code}) before it said ${pattern}:\n${stdout}${stderr}`)),
        reject,
      );
    });
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => void process.kill(-(child.pid ?? Number.NaN), signal),
    exit,
    output,
    address: async () => new URL(await output(ADDRESS)),
  };
}
