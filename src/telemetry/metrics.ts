import { collectDefaultMetrics, Registry } from 'prom-client';
import { createBoundedLabels, createFamilies, type MetricSnapshot } from './series.ts';
import {
  type CommitMetrics,
  createCommitMetrics,
  createUpstreamMetrics,
  type UpstreamMetrics,
} from './backend-metrics.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';

export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

export type MetricsSnapshot = readonly MetricSnapshot[];

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
] as const;
const DOCUMENT_LIMIT_NAMES = ['characters', 'tokens', 'nesting', 'depth', 'aliases', 'directives', 'cost'] as const;
/** A limit on the size of one GraphQL document. */
export type DocumentLimit = (typeof DOCUMENT_LIMIT_NAMES)[number];
/** A limit at which something was refused, omitted, or had to wait. */
export type Limit = (typeof LIMITS)[number] | `document_${DocumentLimit}`;

/** The metrics of the gateway. The number of series is bounded: callers cannot create labels at will. */
export interface Metrics {
  readonly requests: RequestMetrics;
  /** To be called once, in upstream mode only. */
  readonly observeUpstream: () => UpstreamMetrics;
  readonly commits: (kind: string) => CommitMetrics;
  /** Registers every counter of creates at 0, so that `increase()` sees the first event. */
  preregisterCreates(backend: string, kinds: readonly { readonly code: string; readonly outcome: string }[]): void;
  /** Counts a create that ended; `code` is OK or the code of its failure. */
  countCreate(backend: string, code: string, outcome: string): void;
  countReplay(): void;
  /** Counts a GraphQL request that took the fast lane. */
  countFastAnswer(): void;
  /** Counts a value that is not in the enum of this field of Detail. */
  countUnknownValue(field: string): void;
  /** Counts a member of an answer that is not in the contract. The service chooses `path`, so its labels are bounded. */
  countUnknownField(path: string): void;
  /** Counts a field of a created task that differs from the text that was sent. */
  countChangedField(field: string): void;
  /** Counts a created task, the result of an idempotency key, or a refused credential that could not be written to the database. */
  countUnwritten(what: 'record' | 'settlement' | 'refusal'): void;
  countRefusal(limit: Limit): void;
  setBreakerState(state: 'closed' | 'half-open' | 'open'): void;
  /** Sets the latest result of /ready. */
  setReady(isReady: boolean): void;
  /** Renders all metrics in Prometheus' text format. */
  render(): Promise<RenderedMetrics>;
  /** Returns the values for another process, which sums those of all workers. */
  snapshot(): Promise<MetricsSnapshot>;
}

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const;
const MAX_UNKNOWN_PATHS = 50;
const PLAIN_PATH = /^[\w.]+$/;
const CONFLICTS: ReadonlySet<string> = new Set(['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_PROGRESS']);

export function createMetrics(): Metrics {
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
  const fastAnswers = families.counter(
    'gateway_fast_answers_total',
    'GraphQL requests answered by the fast lane, without Yoga.',
  )();
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
  const refusals = families.counter(
    'gateway_refusals_total',
    'Requests, connections and answers that were refused, truncated or had to wait at a limit, by limit.',
    ['limit'],
  );
  for (const limit of [...LIMITS, ...DOCUMENT_LIMIT_NAMES.map((name) => `document_${name}`)]) refusals(limit);
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
    observeUpstream: () => createUpstreamMetrics(families),
    commits: createCommitMetrics(families),
    preregisterCreates(backend, kinds) {
      for (const { code, outcome } of kinds) creates(backend, code, outcome);
    },
    countCreate(backend, code, outcome) {
      creates(backend, code, outcome).value += 1;
      if (CONFLICTS.has(code)) conflicts(code).value += 1;
    },
    countReplay: () => void (replays.value += 1),
    countFastAnswer: () => void (fastAnswers.value += 1),
    countUnknownValue: (field) => void (unknownValues(field).value += 1),
    countUnknownField: (path) =>
      void (unknownFields(PLAIN_PATH.test(path) ? paths.admit(path) : paths.find('')).value += 1),
    countChangedField: (field) => void (changedFields(field).value += 1),
    countUnwritten: (what) => void (unwritten(what).value += 1),
    countRefusal: (limit) => void (refusals(limit).value += 1),
    setBreakerState: (state) => void (breaker.value = BREAKER_STATES[state]),
    setReady: (isReady) => void (ready.value = isReady ? 1 : 0),
    snapshot: async () => [...(await processMetrics.getMetricsAsJSON()), ...families.snapshot()],
    render: async () => ({
      contentType: processMetrics.contentType,
      text: `${await processMetrics.metrics()}\n${await families.render()}`,
    }),
  };
}
