import { ADMINISTRATION_USAGE, readCommand, UsageError } from './administration.ts';
import { type Config, ConfigError, type Mode, readConfig } from './config.ts';
import { TaskFailure } from './contract/failure.ts';
import { demoBanner, SAMPLE_MUTATION, seedDemo } from './demo.ts';
import { type Backend, type Observers, openBackend, openConfiguredStore, storeBackend } from './backend.ts';
import { createGateway } from './gateway.ts';
import { createLog } from './server/log.ts';
import { createMetrics } from './server/metrics.ts';
import { parseDatabaseAddress } from './store/database-address.ts';

const USAGE = `Usage: npm run cli -- COMMAND [--json]

  demo                                         GraphiQL and a seeded store, for this machine alone (npm start)
  serve                                        production (npm run serve)
${ADMINISTRATION_USAGE}`;

const FORWARDED = 'Bearer <a token of the service>';

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
  const [command = 'help'] = args;
  if (command === 'help' || command === '--help') return say(USAGE);
  if (command === 'demo' || command === 'serve') {
    if (args.length > 1) throw new UsageError(`"${command}" takes no further words; it is configured by variables.`);
    const config = readConfig(process.env, command);
    return serve(config, command);
  }
  const administer = readCommand(args);
  const store = await openConfiguredStore(readConfig(process.env, 'serve'));
  try {
    say(await administer(store));
  } finally {
    await store.close();
  }
}

async function serve(config: Config, mode: Mode): Promise<void> {
  const log = createLog(config.logLevel);
  const observers = { log, metrics: createMetrics() };
  const { backend, authorization } = await open(config, mode, observers);
  const gateway = createGateway(config, backend, observers, {
    query: SAMPLE_MUTATION,
    headers: { Authorization: authorization },
  });
  const address = await gateway.listen().catch(async (error: NodeJS.ErrnoException) => {
    await backend.tasks.close();
    if (error.code === 'EADDRINUSE')
      throw new Error(`port ${config.port} of ${config.host} is in use; set PORT to another`);
    throw error;
  });
  const keptIn = config.upstream
    ? 'Creates are sent to UPSTREAM_URL.'
    : `Tasks are kept in ${parseDatabaseAddress(config.databaseUrl)?.name}.`;
  if (mode === 'demo') say(demoBanner(address, authorization, keptIn));
  log.info({ address: address.href, backend: config.upstream ? 'upstream' : 'store' }, 'listening');
  closeOnSignal(async () => {
    log.info({}, 'closing');
    await gateway.close();
    log.info({}, 'closed');
  });
}

async function open(
  config: Config,
  mode: Mode,
  observers: Observers,
): Promise<{ readonly backend: Backend; readonly authorization: string }> {
  if (mode === 'serve' || config.upstream)
    return { backend: await openBackend(config, observers), authorization: FORWARDED };
  const store = await openConfiguredStore(config);
  return { backend: storeBackend(store, config, observers), authorization: `Bearer ${await seedDemo(store)}` };
}

/** The first signal lets the requests in flight finish; the second does not wait. */
function closeOnSignal(close: () => Promise<void>): void {
  let isClosing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isClosing) process.exit(1);
      isClosing = true;
      close().catch((error: unknown) => {
        complain(`Closing failed: ${String(error)}`);
        process.exitCode = 1;
      });
    });
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
