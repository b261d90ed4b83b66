import { type Config, type Environment, type Mode, readConfig } from '../../src/app/config.ts';
import { SAMPLE_MUTATION, SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import type { Observers } from '../../src/app/observers.ts';
import { storeBackend } from '../../src/app/open-backend.ts';
import { type Backend, createHttpGateway } from '../../src/app/gateway.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { createLog, type Log, NO_LOG_SINK } from '../../src/telemetry/log.ts';
import { createStore, openDatabase, type Store } from '../../src/store/store.ts';
import { addClient } from './client-without-secret.ts';

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: GraphqlAnswer;
}

export interface GraphqlAnswer {
  readonly data?: Record<string, never> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}

export interface RunningGateway {
  readonly url: URL;
  readonly metricsUrl: URL;
  readonly graphql: (body: object, headers?: Record<string, string>) => Promise<GatewayAnswer>;
  readonly close: () => Promise<void>;
}

export interface GatewaySettings {
  readonly env?: Environment;
  readonly mode?: Mode;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** The Authorization of every request that does not set its own. */
  readonly authorization?: string;
}

type OpenBackend = (config: Config, observers: Observers) => Backend | Promise<Backend>;

/** Starts a gateway on any free port, in front of the backend that `open` returns. */
export async function startGateway(open: OpenBackend, settings: GatewaySettings = {}): Promise<RunningGateway> {
  const { env = {}, mode = 'demo', log = createLog('silent', NO_LOG_SINK), authorization } = settings;
  const config = readConfig({ PORT: '0', ...env }, mode);
  const observers = { log, metrics: settings.metrics ?? createMetrics() };
  const gateway = createHttpGateway(config, await open(config, observers), observers, {
    tabs: [SAMPLE_MUTATION],
    headers: authorization ? { Authorization: authorization } : {},
    isLocal: mode === 'demo',
    sections: [],
  });
  const { address: url, metricsAddress } = await gateway.listen();
  return {
    url,
    metricsUrl: new URL('metrics', metricsAddress ?? url),
    close: () => gateway.close(),
    async graphql(body, headers = {}) {
      const response = await fetch(new URL('graphql', url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization ? { authorization } : {}),
          ...headers,
        },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as GraphqlAnswer };
    },
  };
}

export interface StoreGateway extends RunningGateway {
  readonly store: Store;
  readonly token: string;
  readonly accountId: string;
  readonly clientId: string;
}

/** Starts a gateway with its own store in memory, one client and the sample task. */
export async function startStoreGateway(settings: GatewaySettings = {}): Promise<StoreGateway> {
  const metrics = createMetrics();
  const database = await openDatabase('sqlite::memory:');
  const store = createStore(database, { observeCommits: metrics.observeCommits });
  const client = await addClient(database);
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  const gateway = await startGateway((config, observers) => storeBackend(store, config, observers), {
    authorization: `Bearer ${token}`,
    metrics,
    ...settings,
  });
  return {
    ...gateway,
    store,
    token,
    accountId: client.accountId,
    clientId: client.id,
  };
}

export const SAMPLE_INPUT = {
  taskId: SAMPLE_TASK_ID,
  frequency: 'NONE',
  startDate: '2026-02-22T04:10:00.9543747+00:00',
  finishDate: '2026-02-22T04:10:00.9543747+00:00',
  parameters: '{"report":"usage"}',
  contentType: 'APPLICATION_JSON',
  notification: 'NONE',
} as const;
