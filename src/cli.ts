#!/usr/bin/env node
import cluster, { type Worker } from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { buffer as readAll } from 'node:stream/consumers';
import { ADMINISTRATION_USAGE, readCommand, UsageError } from './commands/administration.ts';
import { type Config, ConfigError, readConfig } from './app/config.ts';
import { TaskFailure } from './contract/failure.ts';
import type { CommandAnswer } from './commands/explain.ts';

/** Of package.json; an installed package is started by whatever Node is there. */
const OLDEST_NODE = 24;
/** npm and service managers deliver a signal again that this process has received already. */
const REPEATED_SIGNAL_MS = 1_000;

const USAGE = `Usage: npm run cli -- COMMAND [--json]

  demo                                         GraphiQL and a seeded store, for this machine alone (npm start)
  serve                                        production (npm run serve)
${ADMINISTRATION_USAGE}
  explain FILE | - | JSON                      what a create of these variables would send; nothing is sent
  doctor                                       looks at all that the gateway needs, and changes nothing; status 1: broken`;

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigError) for (const problem of error.problems) complain(`Cannot start: ${problem}`);
  else if (error instanceof UsageError) complain(`${error.message}\n\n${USAGE}`);
  else if (error instanceof TaskFailure) complain(`Not done: ${error.message}`);
  else complain(`Cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run(args: readonly string[]): Promise<void> {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < OLDEST_NODE) throw new Error(`Node ${OLDEST_NODE} or later is needed, not ${node}`);
  const [command = 'help'] = args;
  if (command === 'help' || command === '--help') return say(USAGE);
  if (command === 'demo' || command === 'serve') {
    if (args.length > 1) throw new UsageError(`"${command}" takes no further words; it is configured by variables.`);
    // Without workers there is nothing to replace; by default the signal ends a process.
    process.on('SIGUSR2', () => {});
    const config = readConfig(process.env, command);
    if (config.workers > 1) return cluster.worker ? work(config, cluster.worker) : supervise(config);
    // Loaded only to serve: it takes most of the time that a command needs.
    const { startServing } = await import('./app/serving.ts');
    const starting = startServing(config, command);
    closeOnSignal(async () => {
      const serving = await starting;
      return { close: (drainMs) => serving.close({ drainMs }) };
    }, config.drainMs);
    const { banner } = await starting;
    return banner ? say(banner) : undefined;
  }
  if (command === 'doctor') return examine(args.slice(1));
  if (command === 'explain') {
    const { explain } = await import('./commands/explain.ts');
    return answer(await explain(args.slice(1), readConfig(process.env, 'serve'), readBytesFrom));
  }
  const administer = readCommand(args);
  const { openStore } = await import('./store/store.ts');
  const store = await openStore(readConfig(process.env, 'serve'));
  try {
    say(await administer(store));
  } finally {
    await store.close();
  }
}

async function examine(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg !== '--json')) throw new UsageError('"doctor" takes no words but --json.');
  const { examine: lookAtAll, formatReport, worstState } = await import('./commands/doctor/doctor.ts');
  const findings = await lookAtAll(process.env);
  const { columns, isTTY } = process.stdout as Partial<typeof process.stdout>;
  const isColoured = isTTY === true && !process.env['NO_COLOR'];
  say(
    args.length > 0 ? JSON.stringify(findings, null, 2) : formatReport(findings, { width: columns || 100, isColoured }),
  );
  process.exitCode = worstState(findings) === 'broken' ? 1 : 0;
}

/** One of several processes; the first of them says what is wrong, and passes signals on. */
async function work(config: Config, self: Worker): Promise<void> {
  process.on('SIGINT', () => {});
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const { runWorker } = await import('./cluster/worker.ts');
  process.exit(await runWorker(config, self, stopAsked));
}

async function supervise(config: Config): Promise<void> {
  const { startSupervisor } = await import('./cluster/supervisor.ts');
  const starting = startSupervisor(config);
  process.on('SIGUSR2', () => void starting.then((supervisor) => supervisor.restart()).catch(() => null));
  closeOnSignal(() => starting, config.drainMs);
  const { ended } = await starting;
  return ended;
}

/** What serves until it is told to stop. */
interface Running {
  close(drainMs: number): Promise<void>;
  /** Ends at once what the end of this process does not. */
  kill?(): void;
}

/**
 * Lets the requests in flight finish at the first signal, after draining unless it is SIGINT. Signals of the following
 * second count as the same one; a later one ends the process at once.
 */
function closeOnSignal(untilRunning: () => Promise<Running>, drainMs: number): void {
  let running: Running | null = null;
  let isClosing = false;
  let isRepeated = false;
  const close = async (waitMs: number): Promise<void> => {
    // A start that fails is told by who waits for it.
    running = await untilRunning().catch(() => null);
    await running?.close(waitMs);
  };
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isRepeated) return;
      if (isClosing) {
        running?.kill?.();
        process.exit(1);
      }
      isClosing = true;
      isRepeated = true;
      // Signals that arrived while the event loop was blocked are delivered between the two.
      setTimeout(() => setImmediate(() => (isRepeated = false)), REPEATED_SIGNAL_MS).unref();
      close(signal === 'SIGINT' ? 0 : drainMs).catch((error: unknown) => {
        complain(`Closed too late: ${error instanceof Error ? error.message : String(error)}.`);
        process.exit(1);
      });
    });
  }
}

function readBytesFrom(path: string): Promise<Uint8Array> {
  return path === '-' ? readAll(process.stdin) : readFile(path);
}

function answer({ out, complaint }: CommandAnswer): void {
  if (out) say(out);
  if (!complaint) return;
  complain(complaint.trimEnd());
  process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
