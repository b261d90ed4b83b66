import type { Config, UpstreamConfig } from './config.ts';
import { checkedTaskService } from './contract/checked-task-service.ts';
import type { EnumTables } from './contract/enums.ts';
import type { TaskService } from './contract/task-service.ts';
import {
  type Authenticate,
  forwardedAuthentication,
  subjectAuthentication,
  tokenAuthentication,
} from './server/auth.ts';
import { createSubjectVerifier } from './server/jwt-authentication.ts';
import type { Log } from './server/log.ts';
import type { Metrics } from './server/metrics.ts';
import { observedTaskService } from './server/observed-task-service.ts';
import type { RequestLog } from './server/request-log.ts';
import type { Tracing } from './server/request-trace.ts';
import type { IssueToken } from './server/token-endpoint.ts';
import type { ObserveCommits } from './store/commit-observer.ts';
import { openDatabase, openStore, type Store } from './store/store.ts';
import { rememberingTaskService } from './store/upstream-records.ts';
import { breakingTaskService } from './upstream/circuit-breaker.ts';
import { createUpstreamClient } from './upstream/client.ts';
import { createUpstreamTaskService } from './upstream/task-service.ts';
import { createOwnToken } from './upstream/token.ts';
import { xmlProblem } from './wire/xml-document.ts';

/** A backend with the credentials it takes. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** Null: the backend gives out no tokens. */
  readonly issueToken: IssueToken | null;
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
}

/** Where a backend says what it did. */
export interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: requests are not logged. */
  readonly requestLog?: RequestLog;
  /** Absent or null: there are no traces. */
  readonly tracing?: Tracing | null;
}

/** Why a gateway without records takes no idempotency key. */
export const KEY_REFUSAL = 'cannot be honoured: this gateway keeps no records (RECORD=off)';

/** In the store all of a batch shares one commit; to the service a batch leaves connections for others. */
const BATCH_CONCURRENCY = { store: 100, upstream: 16 } as const;
/** An answer may escape every byte of Parameters (`&amp;`, `\u0000`) and repeats them once. */
const ANSWER_BYTES_PER_BODY_BYTE = 8;
const MIN_ANSWER_BYTES = 1_048_576;
const CONNECT_RETRIES = 2;
const FAILURES_TO_OPEN_CIRCUIT = 10;
const CIRCUIT_OPEN_MS = 5_000;
const KEY_WAIT_MS = 2_000;
const MAX_PENDING_WRITES = 10_000;
const LEASE_MARGIN_MS = 30_000;

/** The backend that the configuration asks for. */
export async function openBackend(config: Config, observers: Observers): Promise<Backend> {
  if (config.upstream) return openUpstreamBackend(config, config.upstream, observers);
  const store = await openStore({ ...config, observeCommits: observeCommits(observers.metrics) });
  return storeBackend(store, config, observers);
}

export function storeBackend(store: Store, config: Config, { metrics }: Observers): Backend {
  const observed = observedTaskService(store.tasks, { backend: 'store', tables: toTables(config), metrics });
  return {
    tasks: checkedTaskService(observed, { xmlProblem, travelsAsXml: false, keyRefusal: null }),
    authenticate: tokenAuthentication(
      (token) => store.tokens.verify(token),
      config.auth && createSubjectVerifier(config.auth),
    ),
    issueToken: async (clientId, clientSecret) => {
      const client = await store.clients.verifySecret(clientId, clientSecret);
      return client && store.tokens.issue({ accountId: client.accountId, clientId: client.id });
    },
    batchConcurrency: BATCH_CONCURRENCY.store,
  };
}

async function openUpstreamBackend(config: Config, upstream: UpstreamConfig, observers: Observers): Promise<Backend> {
  const { log, metrics } = observers;
  const upstreamMetrics = metrics.observeUpstream();
  const client = createUpstreamClient({
    baseUrl: upstream.url,
    timeoutMs: upstream.timeoutMs,
    connections: upstream.connections,
    maxInFlight: upstream.maxInFlight,
    maxAnswerBytes: Math.max(MIN_ANSWER_BYTES, ANSWER_BYTES_PER_BODY_BYTE * config.maxBodyBytes),
    connectRetries: CONNECT_RETRIES,
    observer: { ...upstreamMetrics, onRefused: (limit) => metrics.countRefusal(limit) },
  });
  upstreamMetrics.watch(() => client.load());
  const tables = toTables(config);
  const { ownClient } = upstream;
  const ownToken =
    ownClient &&
    createOwnToken({
      client,
      clientId: ownClient.clientId,
      clientSecret: ownClient.clientSecret,
      now: Date.now,
      onFailure: (failure) => log.error({ code: failure.code, err: failure.cause }, failure.message),
    });
  const sending = createUpstreamTaskService({
    client,
    format: upstream.format,
    tables,
    onUnknownMember: (path) => metrics.countUnknownField(path),
    ...(ownToken && { authorize: ownToken.authorization, reauthorize: ownToken.renew }),
  });
  const breaking = breakingTaskService(sending, {
    failuresToOpen: FAILURES_TO_OPEN_CIRCUIT,
    openMs: CIRCUIT_OPEN_MS,
    onStateChange: (state) => {
      metrics.setBreakerState(state);
      log.warn({ state }, 'the circuit to the service changed');
    },
    onRefused: () => metrics.countRefusal('circuit'),
  });
  const remembering = upstream.isRecorded ? await rememberUpstream(breaking, config, upstream, observers) : breaking;
  const observed = observedTaskService(remembering, { backend: 'upstream', tables, metrics });
  return {
    tasks: checkedTaskService(observed, {
      xmlProblem,
      travelsAsXml: upstream.format === 'xml',
      keyRefusal: upstream.isRecorded ? null : KEY_REFUSAL,
    }),
    authenticate: ownClient
      ? subjectAuthentication(createSubjectVerifier(ownClient.callers))
      : forwardedAuthentication(config.auth && createSubjectVerifier(config.auth)),
    issueToken: null,
    // What one batch alone has under way must not be too much.
    batchConcurrency: Math.min(BATCH_CONCURRENCY.upstream, upstream.maxInFlight),
  };
}

async function rememberUpstream(
  tasks: TaskService,
  config: Config,
  upstream: UpstreamConfig,
  { log, metrics }: Observers,
): Promise<TaskService> {
  return rememberingTaskService(tasks, await openDatabase(config.databaseUrl), {
    // A call may wait for a token of the gateway's own before it is sent, and once more after a 401.
    leaseMs: 4 * upstream.timeoutMs + LEASE_MARGIN_MS,
    keyExpiryMs: config.keyExpiryMs,
    keyWaitMs: KEY_WAIT_MS,
    maxPending: MAX_PENDING_WRITES,
    now: Date.now,
    onUnwritten: (what, error) => {
      metrics.countUnwritten(what);
      log.error({ what, err: error }, 'what happened upstream could not be written down');
    },
    observeCommits: observeCommits(metrics),
  });
}

/** Commits as the metrics see them. */
export function observeCommits(metrics: Metrics): ObserveCommits {
  return (kind) => ({ ...metrics.commits(kind), onRefused: () => metrics.countRefusal('pending_writes') });
}

function toTables({ frequencies, notifications }: Config): EnumTables {
  return { frequencies, notifications };
}
