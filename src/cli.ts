#!/usr/bin/env node
import cluster, { type Worker } from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { buffer as readAll } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseOptions, USAGE, UsageError } from './commands/arguments.ts';
import { type Config, ConfigError, type Mode, readConfig } from './app/config.ts';

/** The minimum in package.json, which nothing enforces for an installed package. */
const OLDEST_NODE = 24;
/** npm and service managers deliver the same signal twice. */
const REPEATED_SIGNAL_MS = 1_000;
const PARENT_CHECK_MS = 250;

const [command = 'help', ...args] = process.argv.slice(2);
const printsJson = args.includes('--json') && !['demo', 'serve', 'schema', 'openapi'].includes(command);
try {
  await run();
} catch (error) {
  const problems = error instanceof ConfigError ? error.problems : [toMessage(error)];
  const program = import.meta.filename.endsWith('.ts') ? 'npm run cli --' : 'npx account-task-gateway';
  const prefix = command === 'serve' || command === 'demo' ? 'Cannot start' : 'Not done';
  if (printsJson) complain(JSON.stringify({ error: problems.join('\n') }));
  else if (error instanceof UsageError)
    complain(`${error.message}\nTo see all commands and options, run: ${program} --help`);
  else for (const problem of problems) complain(`${prefix}: ${problem}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < OLDEST_NODE)
    throw new Error(`Node ${OLDEST_NODE} or later is required; this is Node ${node}`);
  if (command === 'help' || [command, ...args].includes('--help')) return say(USAGE);
  if (command === 'demo' || command === 'serve') {
    if (args.length > 0)
      throw new UsageError(`"${command}" takes no arguments; configure it with environment variables.`);
    return serve(command);
  }
  if (command === 'doctor') {
    const { reportFindings } = await import('./commands/doctor/doctor.ts');
    const { text, isBroken } = await reportFindings(args, process.env);
    if (isBroken) process.exitCode = 1;
    return say(text);
  }
  if (command === 'explain') {
    const { explain } = await import('./commands/explain.ts');
    const config = readConfig(process.env, 'serve');
    return say(await explain(args, config, (path) => (path === '-' ? readAll(process.stdin) : readFile(path))));
  }
  if (command === 'schema') {
    if (args.length > 0) throw new UsageError('"schema" takes no arguments.');
    const { createSchema, printSubgraph } = await import('./schema/schema.ts');
    return say(printSubgraph(createSchema(readConfig(process.env, 'serve'))));
  }
  if (command === 'openapi') {
    const { values, positionals } = parseOptions(args, { '3.0': { type: 'boolean', default: false } });
    if (positionals.length > 0) throw new UsageError('"openapi" takes no arguments but --3.0.');
    const { createOpenApi } = await import('./rest/openapi.ts');
    const openApi = createOpenApi(readConfig(process.env, 'serve'), values['3.0'] ? '3.0' : '3.1');
    return say(JSON.stringify(openApi, null, 2));
  }
  const { administer } = await import('./commands/administration.ts');
  await pipeline(administer([command, ...args], process.env), process.stdout, { end: false }).catch(
    (error: unknown) => {
      // Its reader, such as head, has seen enough.
      if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
    },
  );
}

async function serve(mode: Mode): Promise<void> {
  // SIGUSR2 replaces workers; without workers it must not end the process, as it does by default.
  process.on('SIGUSR2', () => {});
  const config = readConfig(process.env, mode);
  if (config.workers > 1) return cluster.worker ? work(config, cluster.worker) : supervise(config);
  // Loaded only to serve: loading it takes most of the time of a command.
  const { startServing } = await import('./app/serving.ts');
  const starting = startServing(config, mode);
  closeOnSignal(async () => {
    const serving = await starting;
    return { close: (drainMs) => serving.close({ drainMs }) };
  }, config.drainMs);
  const { banner } = await starting;
  if (banner) say(banner);
}

/** Runs one of several workers. The supervisor reports problems and passes signals on. */
async function work(config: Config, self: Worker): Promise<void> {
  process.on('SIGINT', () => {});
  const stopRequested = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const { runWorker } = await import('./cluster/worker.ts');
  process.exit(await runWorker(config, self, stopRequested));
}

async function supervise(config: Config): Promise<void> {
  const { startSupervisor } = await import('./cluster/supervisor.ts');
  const starting = startSupervisor(config);
  process.on('SIGUSR2', () => void starting.then((supervisor) => supervisor.restart()).catch(() => null));
  closeOnSignal(() => starting, config.drainMs);
  const { ended } = await starting;
  return ended;
}

/** A gateway or supervisor that runs until it is closed. */
interface Running {
  close(drainMs: number): Promise<void>;
  /** Kills processes that do not end with this one. */
  kill?(): void;
}

/**
 * Closes at the first signal: drains (unless it is SIGINT), then finishes the requests in flight. Signals within the next
 * second count as the same one; a later one ends the process at once.
 */
function closeOnSignal(untilRunning: () => Promise<Running>, drainMs: number): void {
  let running: Running | null = null;
  let isClosing = false;
  let isRepeated = false;
  const close = async (waitMs: number): Promise<void> => {
    // The caller, which awaits the start too, reports its failure.
    running = await untilRunning().catch(() => null);
    await running?.close(waitMs);
  };
  stopWithShellOfNpm();
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isRepeated) return;
      if (isClosing) {
        running?.kill?.();
        process.exit(1);
      }
      isClosing = true;
      isRepeated = true;
      // Signals that arrived while the event loop was blocked are delivered between the timer and setImmediate.
      setTimeout(() => setImmediate(() => (isRepeated = false)), REPEATED_SIGNAL_MS).unref();
      const note = (): void => complain('Requests are being finished. Press Ctrl-C again to cut them off.');
      if (signal === 'SIGINT') setTimeout(note, REPEATED_SIGNAL_MS).unref();
      close(signal === 'SIGINT' ? 0 : drainMs).catch((error: unknown) => {
        complain(`Not everything was finished: ${toMessage(error)}.`);
        process.exit(1);
      });
    });
  }
}

/**
 * Under npm, many shells (dash) stay between npm and this process. npm's SIGTERM ends such a shell, which does not pass it on;
 * its end then counts as the signal.
 */
function stopWithShellOfNpm(): void {
  const { npm_command: commandOfNpm, npm_package_name: project } = process.env;
  if (commandOfNpm !== 'exec' && project !== 'account-task-gateway') return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS).unref();
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
