import { Counter, Gauge } from 'prom-client';
import { type EnumTables, findMember } from '../contract/enums.ts';
import { FAILURES, TaskFailure } from '../contract/failure.ts';
import { decorateWrites, type TaskService, type WriteResult } from '../contract/task-service.ts';
import { createBoundedLabels, type Families, LATENCY_SECONDS } from './series.ts';
import type { RequestMetrics, RequestRecord } from './request-record.ts';

/** Limits the series, because callers choose the names of operations. */
const MAX_OPERATION_NAMES = 50;
const MAX_CODES = 50;

/** Adds the metrics of HTTP requests and GraphQL operations. */
export function createRequestMetrics(families: Families): RequestMetrics {
  let inFlight = 0;
  addGauge(families, 'gateway_http_requests_in_flight', 'HTTP requests in progress.', () => inFlight);
  const requests = families.counter('gateway_http_requests_total', 'HTTP requests by handler and status.', [
    'path',
    'status',
  ]);
  const durations = families.histogram(
    'gateway_http_request_duration_seconds',
    'Time from a request to its answer, by handler.',
    ['path'],
    LATENCY_SECONDS,
  );
  const operations = families.counter(
    'gateway_graphql_operations_total',
    'GraphQL requests by operation (anonymous: no name; none: did not run; other: not among the first 50 names that succeeded) and result (ok or the error code).',
    ['operation', 'result'],
  );
  const names = createBoundedLabels(MAX_OPERATION_NAMES);
  const codes = createBoundedLabels(MAX_CODES);

  return {
    begin: () => void (inFlight += 1),
    end(record: RequestRecord, status: number, durationMs: number) {
      const { path } = record;
      inFlight -= 1;
      requests(path, String(status)).value += 1;
      durations(path).observe(durationMs / 1000);
      if (path !== 'graphql') return;
      const { code } = record;
      if (record.operationType === null && code === null) return; // GraphiQL's page, or a preflight
      operations(toOperation(record, names), code === null ? 'ok' : codes.admit(code)).value += 1;
    },
  };
}

/** Adds a gauge whose value is read when the metrics are. */
function addGauge({ registry }: Families, name: string, help: string, read: () => number): void {
  const gauge: Gauge = new Gauge({ name, help, registers: [registry], collect: () => gauge.set(read()) });
}

function toOperation(
  { operationName, operationType, code }: RequestRecord,
  names: ReturnType<typeof createBoundedLabels>,
): string {
  if (operationType === null) return 'none';
  if (operationName === null) return 'anonymous';
  return code === null ? names.admit(operationName) : names.find(operationName);
}

export interface ObservedWrites {
  readonly backend: 'store' | 'upstream';
  readonly tables: EnumTables;
}

/** How a write ended; `code` is OK or the code of its failure. */
interface WriteEnd {
  readonly code: string;
  readonly outcome: string;
}

const UNEXPECTED: WriteEnd = { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN' };
const CONFLICTS: readonly string[] = ['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_PROGRESS'];

/** A decorator that counts writes, and the values in their answers that are not in the enums. */
export function observeWrites(families: Families, tasks: TaskService, observed: ObservedWrites): TaskService {
  const { backend, tables } = observed;
  const creates = families.counter(
    'gateway_creates_total',
    'Creates by backend, failure code (OK on success) and outcome (CREATED, NOT_SENT, REJECTED, UNKNOWN).',
    ['backend', 'code', 'outcome'],
  );
  const otherWrites = families.counter(
    'gateway_other_writes_total',
    'Updates, runs and new clients by backend, operation, failure code (OK on success) and outcome (DONE, NOT_SENT, REJECTED, UNKNOWN).',
    ['backend', 'operation', 'code', 'outcome'],
  );
  const countConflict = families.addCounter<string>(
    'gateway_idempotency_conflicts_total',
    'Creates and runs refused because their idempotency key was used with another input, or by one still in progress.',
    'code',
    CONFLICTS,
  );
  const replays = new Counter({
    name: 'gateway_idempotency_replays_total',
    help: 'Creates and runs answered with the earlier result of their idempotency key.',
    registers: [families.registry],
  });
  const countUnknownValue = families.addCounter(
    'gateway_unknown_values_total',
    'Values in answers that are not in the enum of their field, by field.',
    'field',
    ['Frequency', 'Notification'],
  );
  const failures = FAILURES.flatMap(({ code, outcomes }) => outcomes.map((outcome) => ({ code, outcome })));
  const writes = decorateWrites(tasks, (write, name) => {
    const seriesOf = ({ code, outcome }: WriteEnd) =>
      name === 'create' ? creates(backend, code, outcome) : otherWrites(backend, name, code, outcome);
    const done = seriesOf({ code: 'OK', outcome: name === 'create' ? 'CREATED' : 'DONE' });
    for (const failure of [...failures, UNEXPECTED]) seriesOf(failure);
    const succeed = <Result>(result: Result): Result => {
      done.value += 1;
      const { replayed, accountTask } = result as Partial<WriteResult<'create'>>;
      if (replayed === true) replays.inc();
      const { Frequency, Notification } = accountTask?.fields ?? {};
      if (Frequency != null && !findMember(tables.frequencies, Frequency)) countUnknownValue('Frequency');
      if (Notification != null && !findMember(tables.notifications, Notification)) countUnknownValue('Notification');
      return result;
    };
    const fail = (error: unknown): never => {
      const end = error instanceof TaskFailure ? error : UNEXPECTED;
      seriesOf(end).value += 1;
      if (CONFLICTS.includes(end.code)) countConflict(end.code);
      throw error;
    };
    return (input, call) => write(input, call).then(succeed, fail);
  });
  return { ...tasks, ...writes };
}

/** The start of each phase of an exchange, in milliseconds; 0 for a phase that was not reached. */
type ExchangeTimes = Readonly<Record<'queuedMs' | 'dispatchedMs' | 'sentMs' | 'answeredMs' | 'endedMs', number>>;

const STATUS_CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '7xx', '8xx', '9xx'];

/** Adds the metrics of calls to the service. */
export function createUpstreamMetrics(families: Families) {
  const calls = families.histogram(
    'gateway_upstream_call_duration_seconds',
    'Duration of a call to the service, from its wait for a connection to its last byte, by path and result (status class or failure code).',
    ['path', 'result'],
    LATENCY_SECONDS,
  );
  const phases = families.histogram(
    'gateway_upstream_phase_duration_seconds',
    'Duration of the phases of an exchange with the service: queue (wait for a free connection), connect (near 0 on an open one), first_byte (until the answer begins), body (the rest of the answer).',
    ['phase'],
    LATENCY_SECONDS,
  );
  const queue = phases('queue');
  const connect = phases('connect');
  const firstByte = phases('first_byte');
  const body = phases('body');
  return {
    onCall(path: string, result: number | string, durationMs: number) {
      const label = typeof result === 'number' ? (STATUS_CLASSES[Math.floor(result / 100)] ?? '') : result;
      calls(`/${path}`, label).observe(durationMs / 1000);
    },
    onExchange({ queuedMs, dispatchedMs, sentMs, answeredMs, endedMs }: ExchangeTimes) {
      queue.observe((dispatchedMs - queuedMs) / 1000);
      if (sentMs > 0) connect.observe((sentMs - dispatchedMs) / 1000);
      if (answeredMs > 0) firstByte.observe((answeredMs - sentMs) / 1000);
      if (endedMs > 0) body.observe((endedMs - answeredMs) / 1000);
    },
    /** Adds gauges that read the current load. */
    watchLoad(load: () => { readonly inFlight: number; readonly waiting: number }) {
      addGauge(
        families,
        'gateway_upstream_calls_in_flight',
        'Creates in flight, including those that wait for a token or a connection.',
        () => load().inFlight,
      );
      addGauge(
        families,
        'gateway_upstream_calls_waiting',
        'Requests that wait for a free connection to the service.',
        () => load().waiting,
      );
    },
  };
}

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Adds the metrics of database commits. `kind` is what a commit writes (task, record, claim, …), or purge if it deletes. */
export function createCommitMetrics(families: Families, onRefused: () => void) {
  const labelNames = ['kind'];
  const pending = new Map<string, number>();
  const pendingItems = new Gauge({
    name: 'gateway_commit_pending_items',
    help: 'Items that wait for a commit or are being committed.',
    labelNames,
    registers: [families.registry],
    collect() {
      for (const [kind, count] of pending) pendingItems.set({ kind }, count);
    },
  });
  const items = families.histogram('gateway_commit_items', 'Items written by a commit.', labelNames, ITEMS);
  const durations = families.histogram(
    'gateway_commit_duration_seconds',
    'Duration of a transaction, including its commit.',
    labelNames,
    COMMIT_SECONDS,
  );
  const failures = families.counter(
    'gateway_commit_failures_total',
    'Transactions that failed, or whose commit is uncertain.',
    labelNames,
  );
  return (kind: string) => {
    pending.set(kind, 0);
    const [itemsPerCommit, duration, failed] = [items(kind), durations(kind), failures(kind)];
    return {
      onPending: (count: number) => void pending.set(kind, count),
      onCommit(count: number, durationMs: number) {
        itemsPerCommit.observe(count);
        duration.observe(durationMs / 1000);
      },
      onFailure: () => void (failed.value += 1),
      onRefused,
    };
  };
}
