import type { Backend } from './gateway.ts';
import type { Observers } from './observers.ts';
import type { Config, UpstreamConfig } from './config.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import { TaskFailure } from '../contract/failure.ts';
import { type TaskService, unsupportedWrites } from '../contract/task-service.ts';
import { forwardedAuthentication, subjectAuthentication, type VerifyToken } from '../auth/authenticate.ts';
import { circuitBreakerTaskService } from '../upstream/circuit-breaker.ts';
import { createUpstreamClient } from '../upstream/client.ts';
import { createUpstreamTaskService } from '../upstream/upstream-task-service.ts';
import { readTlsFiles } from '../upstream/service-connector.ts';
import { createOwnToken } from '../upstream/own-token.ts';
import { xmlProblem } from '../wire/xml-document.ts';

/** The message that refuses an idempotency key if nothing is recorded. */
export const KEY_REFUSAL = 'cannot be honoured because this gateway keeps no records (RECORD=off)';

/** Low enough that a batch leaves connections for other callers. */
const BATCH_CONCURRENCY = 16;
/** An answer repeats Parameters once and may escape every byte of them (`&amp;`, `\u0000`). */
const ANSWER_BYTES_PER_BODY_BYTE = 8;
const MIN_ANSWER_BYTES = 1_048_576;
const CONNECT_RETRIES = 2;
const FAILURES_TO_OPEN_CIRCUIT = 10;
/** Short enough for a service that restarts within a second. The delay doubles up to the maximum for one that stays down. */
const CIRCUIT_OPEN_MS = 250;
const MAX_CIRCUIT_OPEN_MS = 5_000;
const KEY_WAIT_MS = 2_000;
const MAX_PENDING_WRITES = 10_000;
const LEASE_MARGIN_MS = 30_000;

const monotonicMs = (): number => performance.now();

/** Opens the backend that sends writes to the service, and records them unless RECORD=off. */
export async function openUpstreamBackend(
  config: Config,
  upstream: UpstreamConfig,
  observers: Observers,
  verifyToken: VerifyToken | null,
): Promise<Backend> {
  const { log, metrics } = observers;
  const upstreamMetrics = metrics.observeUpstream();
  if (upstream.proxy) log.info({ proxy: upstream.proxy.host }, 'connections to the service go through a proxy');
  const client = createUpstreamClient({
    baseUrl: upstream.url,
    access: { tls: readTlsFiles(upstream), proxy: upstream.proxy },
    timeoutMs: upstream.timeoutMs,
    connections: upstream.connections,
    maxInFlight: upstream.maxInFlight,
    maxAnswerBytes: Math.max(MIN_ANSWER_BYTES, ANSWER_BYTES_PER_BODY_BYTE * config.maxBodyBytes),
    connectRetries: CONNECT_RETRIES,
    observer: { ...upstreamMetrics, onRefused: metrics.countRefusal },
  });
  upstreamMetrics.watchLoad(() => client.load());
  const { ownClient } = upstream;
  const ownToken =
    ownClient &&
    createOwnToken({
      client,
      ...ownClient,
      now: monotonicMs,
      onFailure: (failure) => log.error({ code: failure.code, err: failure.cause }, failure.message),
    });
  const sending = createUpstreamTaskService({
    client,
    format: upstream.format,
    tables: config,
    checksTaskId: upstream.checksTaskId,
    observer: {
      onUnknownMember: metrics.countUnknownField,
      onChangedField: metrics.countChangedField,
      onRefused: metrics.countRefusal,
    },
    ...(ownToken && { authorize: ownToken.authorization, reauthorize: ownToken.renew }),
  });
  const breaking = circuitBreakerTaskService(sending, {
    failuresToOpen: FAILURES_TO_OPEN_CIRCUIT,
    openMs: CIRCUIT_OPEN_MS,
    maxOpenMs: MAX_CIRCUIT_OPEN_MS,
    now: monotonicMs,
    onStateChange: (state) => {
      metrics.setBreakerState(state);
      log.warn({ state }, 'the circuit breaker of the service changed its state');
    },
    onRefused: () => metrics.countRefusal('circuit'),
  });
  const recording = upstream.isRecorded ? await withRecords(breaking, config, upstream, observers) : breaking;
  const allowed = ownClient ? withinOwnRights(recording, upstream) : recording;
  const observed = metrics.observeWrites(allowed, { backend: 'upstream', tables: config });
  return {
    tasks: checkedTaskService(observed, {
      xmlProblem,
      travelsAsXml: upstream.format === 'xml',
      keyRefusal: upstream.isRecorded ? null : KEY_REFUSAL,
      requiresKey: config.requiresIdempotencyKey,
    }),
    // The configuration refuses credentials without an issuer of the callers' JWTs.
    authenticate: ownClient ? subjectAuthentication(verifyToken as VerifyToken) : forwardedAuthentication(verifyToken),
    issueToken: null,
    // A single batch must not exceed the limit of calls in flight.
    batchConcurrency: Math.min(BATCH_CONCURRENCY, upstream.maxInFlight),
  };
}

/**
 * Refuses what callers must not do with the gateway's own credentials, for which the service cannot tell them apart: to change or
 * run tasks of others, which only records can tell from their own, and to create clients unless ALLOW_CREATE_CLIENT is on.
 */
function withinOwnRights(tasks: TaskService, { isRecorded, allowCreateClient }: UpstreamConfig): TaskService {
  const { update, run } = unsupportedWrites(
    'This gateway keeps no records (RECORD=off), so it cannot tell whose task this is, and it uses credentials of its own.',
  );
  return { ...tasks, ...(!isRecorded && { update, run }), ...(!allowCreateClient && { createClient: refuseClient }) };
}

async function refuseClient(): Promise<never> {
  throw new TaskFailure(
    { code: 'FORBIDDEN', outcome: 'NOT_SENT' },
    "Clients cannot be created with the gateway's own credentials. ALLOW_CREATE_CLIENT=on allows it.",
  );
}

/** Adds records and idempotency keys, both stored in the database. */
async function withRecords(
  tasks: TaskService,
  config: Config,
  upstream: UpstreamConfig,
  { log, metrics }: Observers,
): Promise<TaskService> {
  const [{ openDatabase }, { withUpstreamRecords }, { countUnknown }] = await Promise.all([
    import('../store/store.ts'),
    import('../store/upstream-records.ts'),
    import('../store/idempotency/attempt-rows.ts'),
  ]);
  const database = await openDatabase(config.databaseUrl);
  metrics.watchUnsettledAttempts(() => countUnknown(database));
  return withUpstreamRecords(tasks, database, {
    // A call may wait for its turn, for the gateway's own token before it is sent, and for both again after a 401.
    leaseMs: 5 * upstream.timeoutMs + LEASE_MARGIN_MS,
    keyExpiryMs: config.keyExpiryMs,
    recordDays: config.recordDays,
    keyWaitMs: KEY_WAIT_MS,
    maxPending: MAX_PENDING_WRITES,
    onUnwritten: (what, error) => {
      metrics.countUnwritten(what);
      log.error({ what, err: error }, 'the outcome of an upstream write could not be recorded');
    },
    onLateAnswer(late) {
      metrics.countLateAnswer();
      log.error(late, 'an answer of the service arrived after its write was settled by hand; the settlement stays');
    },
    observeCommits: metrics.observeCommits,
  });
}
