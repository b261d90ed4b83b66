import type { Backend } from './backend.ts';
import { openObservers, observeCommits, type Observers } from './observers.ts';
import { openBackend } from './open-backend.ts';
import { storeBackend } from './store-backend.ts';
import type { Config, Mode } from './config.ts';
import { demoBanner, SAMPLE_MUTATION, seedDemo } from './demo.ts';
import { type Addresses, type Closing, createGateway, type Gateway } from './gateway.ts';
import type { GraphiqlOptions } from '../graphql/graphiql.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { parseDatabaseAddress } from '../store/sql/database.ts';
import { setFlagsFromString } from 'node:v8';

/** A gateway that accepts requests. */
export interface Serving {
  /** What a person who started the demo needs to know; null in production, where the log says it. */
  readonly banner: string | null;
  /** Stops in the order that costs no caller an answer. @throws Error when some had to be cut off. */
  close(closing: Closing): Promise<void>;
}

/** What differs when this process is one of several that serve one address. */
export interface Membership {
  readonly worker: number;
  /** The metrics of all of them, from those of this one. */
  readonly share: (own: Metrics) => Metrics;
}

const FORWARDED = 'Bearer <a token of the service>';

/** Opens what the configuration asks for and listens. @throws Error with one line for the person who starts it. */
export async function startServing(config: Config, mode: Mode, membership?: Membership): Promise<Serving> {
  keepObjectsYoung();
  const opened = await openObservers(config, membership && { worker: membership.worker });
  const observers = { ...opened, metrics: membership?.share(opened.metrics) ?? opened.metrics };
  const { log } = observers;
  const { backend, authorization } = await open(config, mode, observers);
  const { gateway, address, metricsAddress } = await listen(config, backend, observers, {
    query: SAMPLE_MUTATION,
    headers: { Authorization: authorization },
    isLocal: mode === 'demo',
  }).catch(async (error: NodeJS.ErrnoException & { readonly port?: number }) => {
    await backend.tasks.close();
    if (error.code === 'EADDRINUSE') {
      const variable = error.port === config.metricsPort ? 'METRICS_PORT' : 'PORT';
      throw new Error(`port ${error.port} of ${config.host} is in use; set ${variable} to another`);
    }
    if (error.code === 'ENOTFOUND' || error.code === 'EADDRNOTAVAIL')
      throw new Error(`HOST ${config.host} is no address of this machine`);
    throw error;
  });
  const backendName = config.upstream ? 'upstream' : 'store';
  log.info(
    { address: address.href, ...(metricsAddress && { metricsAddress: metricsAddress.href }), backend: backendName },
    'listening',
  );
  const keptIn = config.upstream
    ? 'Creates are sent to UPSTREAM_URL.'
    : `Tasks are kept in ${parseDatabaseAddress(config.databaseUrl)?.name}.`;
  return {
    banner: mode === 'demo' ? demoBanner(address, authorization, keptIn) : null,
    async close(closing) {
      try {
        await gateway.close(closing);
      } finally {
        await observers.close();
      }
    },
  };
}

async function listen(
  config: Config,
  backend: Backend,
  observers: Observers,
  graphiql: GraphiqlOptions,
): Promise<Addresses & { readonly gateway: Gateway }> {
  const gateway = createGateway(config, backend, observers, graphiql);
  return { gateway, ...(await gateway.listen()) };
}

async function open(
  config: Config,
  mode: Mode,
  observers: Observers,
): Promise<{ readonly backend: Backend; readonly authorization: string }> {
  if (mode === 'serve' || config.upstream)
    return { backend: await openBackend(config, observers), authorization: FORWARDED };
  const { openStore } = await import('../store/store.ts');
  const store = await openStore({ ...config, observeCommits: observeCommits(observers.metrics) });
  return { backend: await storeBackend(store, config, observers), authorization: `Bearer ${await seedDemo(store)}` };
}

/**
 * Tells V8 to make every object where the young ones are, to be called before the first request.
 * By itself it learns where long-lived objects are made, and while its heap is small the objects of a request seem to be: from
 * then on it makes them among the old ones, and each keeps what it refers to until the next full collection. That was 2.8 KB
 * more for every request, a fifth of its CPU and half of the 99th percentile.
 */
function keepObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
