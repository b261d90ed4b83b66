#!/usr/bin/env node
import cluster, { type Worker } from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { buffer as readAll } from 'node:stream/consumers';
import { ADMINISTRATION_USAGE, administer, UsageError } from './commands/administration.ts';
import { type Config, ConfigError, type Mode, readConfig } from './app/config.ts';
import { CREATES_USAGE, runCreates } from './commands/creates.ts';
import { TaskFailure } from './contract/failure.ts';

/** The minimum in package.json, which nothing enforces for an installed package. */
const OLDEST_NODE = 24;
/** npm and service managers deliver the same signal twice. */
const REPEATED_SIGNAL_MS = 1_000;
const PARENT_CHECK_MS = 250;

const USAGE = `Usage: npm run cli -- COMMAND [--json]

Run the gateway; environment variables configure it
  demo                       seeded store and GraphiQL, for this machine only (npm start)
  serve                      production (npm run serve)

Check it
  doctor                     checks everything that serve needs and changes nothing; exit status 1 if
                             something is broken (npm run doctor)
  explain FILE | - | JSON    shows the request that a create with this input, or with these variables,
                             would send to the service, and sends nothing; - reads standard input
                             (npm run explain)
  schema                     prints the GraphQL schema of this configuration as a Federation subgraph,
                             for the checks of a schema registry

${ADMINISTRATION_USAGE}

${CREATES_USAGE}

  --json                     prints the result as JSON; not for demo and serve`;

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigError) for (const problem of error.problems) complain(`Cannot start: ${problem}`);
  else if (error instanceof UsageError) complain(`${error.message}\n\n${USAGE}`);
  else if (error instanceof TaskFailure) complain(`Not done: ${error.message}`);
  else complain(`Cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run([command = 'help', ...args]: readonly string[]): Promise<void> {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < OLDEST_NODE)
    throw new Error(`Node ${OLDEST_NODE} or later is required; this is Node ${node}`);
  if (command === 'help' || command === '--help') return say(USAGE);
  if (command === 'demo' || command === 'serve') {
    if (args.length > 0)
      throw new UsageError(`"${command}" takes no arguments; configure it with environment variables.`);
    return serve(command);
  }
  if (command === 'doctor') {
    const { reportFindings } = await import('./commands/doctor/doctor.ts');
    const isColoured = process.stdout.isTTY && !process.env['NO_COLOR'];
    const { text, isBroken } = await reportFindings(args, process.env, isColoured);
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
    const { printConfiguredSchema } = await import('./commands/schema-command.ts');
    return say(printConfiguredSchema(readConfig(process.env, 'serve')));
  }
  if (command === 'creates') return say(await runCreates([command, ...args], readConfig(process.env, 'serve')));
  return say(await administer([command, ...args], process.env));
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
      close(signal === 'SIGINT' ? 0 : drainMs).catch((error: unknown) => {
        complain(`Not everything was finished: ${error instanceof Error ? error.message : String(error)}.`);
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
  const { npm_command: command, npm_package_name: project } = process.env;
  if (command !== 'exec' && project !== 'account-task-gateway') return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS).unref();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
