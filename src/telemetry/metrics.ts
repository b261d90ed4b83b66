import { withTimeLimit } from '../event-loop/time-limit.ts';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createBoundedLabels, createFamilies, type MetricSnapshot } from './series.ts';
import { createCommitMetrics, createRequestMetrics, createUpstreamMetrics } from './traffic-metrics.ts';

export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

export type MetricsSnapshot = readonly MetricSnapshot[];

/** Every limit at which something is refused, omitted, or has to wait; docs/operations.md explains each. */
const LIMITS = [
  'in_flight',
  'caller_share',
  'connections',
  'circuit',
  'pending_writes',
  'body_bytes',
  'anonymous_body_bytes',
  'pending_body_bytes',
  'body_rate',
  'dropped_bodies',
  'address_connections',
  'address_requests',
  'form_fields',
  'token_attempts',
  'issuer_keys',
  'argument_sizes',
  'failures',
  'pipelined_requests',
  'waiting_requests',
  'operation_time',
  'answer_bytes',
  'pending_answer_bytes',
  'cors_headers',
  'upstream_answer_bytes',
  'upstream_answer_values',
  'document_characters',
  'document_tokens',
  'document_nesting',
  'document_depth',
  'document_aliases',
  'document_directives',
  'document_cost',
] as const;
export type Limit = (typeof LIMITS)[number];
type DocumentLimitOf<AnyLimit> = AnyLimit extends `document_${infer Name}` ? Name : never;
/** A limit on the size of one GraphQL document. */
export type DocumentLimit = DocumentLimitOf<Limit>;

/** How long a reader of the metrics waits for the database. */
const MAX_COUNT_MS = 1_000;
const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const;
const MAX_UNKNOWN_PATHS = 50;
const PLAIN_PATH = /^[\w.]+$/;
const CONFLICTS: ReadonlySet<string> = new Set(['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_PROGRESS']);

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Creates the metrics of the gateway. Series with known labels start at 0, so that `increase()` sees the first event. The number
 * of series is bounded: callers cannot create labels at will.
 */
export function createMetrics() {
  const processMetrics = new Registry();
  collectDefaultMetrics({ register: processMetrics });
  const families = createFamilies();
  const creates = families.counter(
    'gateway_creates_total',
    'Creates by backend, failure code (OK on success) and outcome (CREATED, NOT_SENT, REJECTED, UNKNOWN).',
    ['backend', 'code', 'outcome'],
  );
  const replays = families.counter(
    'gateway_idempotency_replays_total',
    'Creates answered with the earlier result of their idempotency key.',
  )();
  const conflicts = families.counter(
    'gateway_idempotency_conflicts_total',
    'Creates refused because their idempotency key was used with another input, or by a create still in progress.',
    ['code'],
  );
  for (const code of CONFLICTS) conflicts(code);
  const unknownValues = families.counter(
    'gateway_unknown_values_total',
    'Values in answers that are not in the enum of their field, by field.',
    ['field'],
  );
  for (const field of ['Frequency', 'Notification']) unknownValues(field);
  const unknownFields = families.counter(
    'gateway_unknown_fields_total',
    'Members of answers that are not in the contract, by path (other: beyond the first 50 paths).',
    ['path'],
  );
  const paths = createBoundedLabels(MAX_UNKNOWN_PATHS);
  unknownFields(paths.find(''));
  const changedFields = families.counter(
    'gateway_changed_fields_total',
    'Fields of created tasks that differ from the text that was sent, by field.',
    ['field'],
  );
  for (const field of ['Parameters', 'ContentType']) changedFields(field);
  const unwritten = families.counter(
    'gateway_unwritten_total',
    'Failed writes to the database, retried or given up: created tasks (record), results of idempotency keys (settlement), refused credentials (refusal).',
    ['what'],
  );
  for (const what of ['record', 'settlement', 'refusal']) unwritten(what);
  const lateAnswers = families.counter(
    'gateway_late_answers_total',
    'Answers of the service that arrived after their create was settled by hand, which stays as it was settled.',
  )();
  let refreshUnsettled: (() => Promise<void>) | null = null;
  const refusals = families.counter(
    'gateway_refusals_total',
    'Requests, connections and answers that were refused, truncated or had to wait at a limit, by limit.',
    ['limit'],
  );
  for (const limit of LIMITS) refusals(limit);
  const breaker = families.gauge(
    'gateway_circuit_state',
    'State of the circuit breaker of the service: 0 closed, 1 half-open, 2 open.',
    [],
    'max',
  )();
  const ready = families.gauge(
    'gateway_ready',
    'Latest result of /ready: 1 ready, 0 not ready; 1 before the first request.',
    [],
    'min',
  )();
  ready.value = 1;
  return {
    requests: createRequestMetrics(families),
    /** To be called once, in upstream mode only. */
    observeUpstream: () => createUpstreamMetrics(families),
    commits: createCommitMetrics(families),
    preregisterCreates(backend: string, kinds: readonly { readonly code: string; readonly outcome: string }[]) {
      for (const { code, outcome } of kinds) creates(backend, code, outcome);
    },
    /** Counts a create that ended; `code` is OK or the code of its failure. */
    countCreate(backend: string, code: string, outcome: string) {
      creates(backend, code, outcome).value += 1;
      if (CONFLICTS.has(code)) conflicts(code).value += 1;
    },
    countReplay: () => void (replays.value += 1),
    /** Counts a value that is not in the enum of this field of Detail. */
    countUnknownValue: (field: string) => void (unknownValues(field).value += 1),
    /** Counts a member of an answer that is not in the contract. The service chooses `path`, so its labels are bounded. */
    countUnknownField: (path: string) =>
      void (unknownFields(PLAIN_PATH.test(path) ? paths.admit(path) : paths.find('')).value += 1),
    /** Counts a field of a created task that differs from the text that was sent. */
    countChangedField: (field: string) => void (changedFields(field).value += 1),
    /** Counts a created task, the result of an idempotency key, or a refused credential that could not be written to the database. */
    countUnwritten: (what: 'record' | 'settlement' | 'refusal') => void (unwritten(what).value += 1),
    /** Counts an answer that arrived after an operator had settled its create. */
    countLateAnswer: () => void (lateAnswers.value += 1),
    /** Registers a gauge of the creates that wait to be settled. To be called once, in upstream mode only. */
    watchUnsettledAttempts(count: () => Promise<number>) {
      const unsettled = families.gauge(
        'gateway_unsettled_attempts',
        'Creates of unknown fate that nobody has settled yet, in all gateways of the database.',
        [],
        'max',
      )();
      refreshUnsettled = async () => {
        // Metrics are needed most while the database is slow; the gauge then keeps its value.
        const counted = withTimeLimit(count(), MAX_COUNT_MS, () => unsettled.value);
        unsettled.value = await counted.catch(() => unsettled.value);
      };
    },
    countRefusal: (limit: Limit) => void (refusals(limit).value += 1),
    setBreakerState: (state: keyof typeof BREAKER_STATES) => void (breaker.value = BREAKER_STATES[state]),
    /** Sets the latest result of /ready. */
    setReady: (isReady: boolean) => void (ready.value = isReady ? 1 : 0),
    /** Returns the values for another process, which sums those of all workers. */
    async snapshot(): Promise<MetricsSnapshot> {
      await refreshUnsettled?.();
      return [...(await processMetrics.getMetricsAsJSON()), ...families.snapshot()];
    },
    /** Renders all metrics in Prometheus' text format. */
    async render(): Promise<RenderedMetrics> {
      await refreshUnsettled?.();
      return {
        contentType: processMetrics.contentType,
        text: `${await processMetrics.metrics()}\n${await families.render()}`,
      };
    },
  };
}
