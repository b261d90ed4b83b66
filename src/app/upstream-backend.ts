import { type Backend, openTokenVerifier } from './backend.ts';
import { observeCommits, type Observers } from './observers.ts';
import { type UpstreamConfig, type Config, toTables } from './config.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import type { TaskService } from '../contract/task-service.ts';
import { forwardedAuthentication, subjectAuthentication } from '../auth/authenticate.ts';
import { observedTaskService } from '../telemetry/observed-task-service.ts';
import { breakingTaskService } from '../upstream/circuit-breaker.ts';
import { createUpstreamClient } from '../upstream/client.ts';
import { createUpstreamTaskService } from '../upstream/upstream-task-service.ts';
import { readTlsFiles } from '../upstream/service-connector.ts';
import { createOwnToken } from '../upstream/token.ts';
import { xmlProblem } from '../wire/xml-document.ts';

/** Why a gateway without records takes no idempotency key. */
export const KEY_REFUSAL = 'cannot be honoured: this gateway keeps no records (RECORD=off)';

/** A batch leaves connections for others. */
const BATCH_CONCURRENCY = 16;
/** An answer may escape every byte of Parameters (`&amp;`, `\u0000`) and repeats them once. */
const ANSWER_BYTES_PER_BODY_BYTE = 8;
const MIN_ANSWER_BYTES = 1_048_576;
const CONNECT_RETRIES = 2;
const FAILURES_TO_OPEN_CIRCUIT = 10;
/** A service that restarts is away for less than a second; one that is gone is tried every five. */
const CIRCUIT_OPEN_MS = 250;
const MAX_CIRCUIT_OPEN_MS = 5_000;
const KEY_WAIT_MS = 2_000;
const MAX_PENDING_WRITES = 10_000;
const LEASE_MARGIN_MS = 30_000;

const monotonicMs = (): number => performance.now();

/** Sends what is created to the service, and remembers it where RECORD is on. */
export async function openUpstreamBackend(
  config: Config,
  upstream: UpstreamConfig,
  observers: Observers,
): Promise<Backend> {
  const { log, metrics } = observers;
  const upstreamMetrics = metrics.observeUpstream();
  if (upstream.proxy) log.info({ proxy: upstream.proxy.host }, 'creates go to the service through a proxy');
  const client = createUpstreamClient({
    baseUrl: upstream.url,
    access: { tls: readTlsFiles(upstream), proxy: upstream.proxy },
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
      now: monotonicMs,
      onFailure: (failure) => log.error({ code: failure.code, err: failure.cause }, failure.message),
    });
  const sending = createUpstreamTaskService({
    client,
    format: upstream.format,
    tables,
    checksTaskId: upstream.checksTaskId,
    observer: {
      onUnknownMember: (path) => metrics.countUnknownField(path),
      onChangedField: (field) => metrics.countChangedField(field),
      onRefused: (limit) => metrics.countRefusal(limit),
    },
    ...(ownToken && { authorize: ownToken.authorization, reauthorize: ownToken.renew }),
  });
  const breaking = breakingTaskService(sending, {
    failuresToOpen: FAILURES_TO_OPEN_CIRCUIT,
    openMs: CIRCUIT_OPEN_MS,
    maxOpenMs: MAX_CIRCUIT_OPEN_MS,
    now: monotonicMs,
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
      ? subjectAuthentication(await openTokenVerifier(ownClient.callers, metrics))
      : forwardedAuthentication(config.auth && (await openTokenVerifier(config.auth, metrics))),
    issueToken: null,
    // What one batch alone has under way must not be too much.
    batchConcurrency: Math.min(BATCH_CONCURRENCY, upstream.maxInFlight),
  };
}

async function rememberUpstream(
  tasks: TaskService,
  config: Config,
  upstream: UpstreamConfig,
  { log, metrics }: Observers,
): Promise<TaskService> {
  const [{ openDatabase }, { rememberingTaskService }] = await Promise.all([
    import('../store/store.ts'),
    import('../store/upstream-records.ts'),
  ]);
  return rememberingTaskService(tasks, await openDatabase(config.databaseUrl), {
    // A call may wait for a place, for a token of the gateway's own before it is sent, and once more after a 401.
    leaseMs: 5 * upstream.timeoutMs + LEASE_MARGIN_MS,
    keyExpiryMs: config.keyExpiryMs,
    recordDays: config.recordDays,
    keyWaitMs: KEY_WAIT_MS,
    maxPending: MAX_PENDING_WRITES,
    onUnwritten: (what, error) => {
      metrics.countUnwritten(what);
      log.error({ what, err: error }, 'what happened upstream could not be written down');
    },
    observeCommits: observeCommits(metrics),
  });
}
