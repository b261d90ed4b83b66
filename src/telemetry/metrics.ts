import { collectDefaultMetrics, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';
import { createBoundedLabels, createCounter, createGauge } from './series.ts';
import { type CommitMetrics, createCommitMetrics } from './commit-metrics.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';
import { createUpstreamMetrics, type UpstreamMetrics } from './upstream-metrics.ts';

export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

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
/** A limit on what one GraphQL document may hold. */
export type DocumentLimit = (typeof DOCUMENT_LIMIT_NAMES)[number];
/** A bound at which something was refused, left out, or had to wait. */
export type Limit = (typeof LIMITS)[number] | `document_${DocumentLimit}`;

/** What the gateway counts, and how it is read. Names and labels are bounded: no value of a caller's becomes a label. */
export interface Metrics {
  readonly requests: RequestMetrics;
  /** To be called once, where there is a service. */
  readonly observeUpstream: () => UpstreamMetrics;
  readonly commits: (kind: string) => CommitMetrics;
  /** Lets the creates of a backend be seen before the first of their kind: an increase from nothing is none. */
  preregisterCreates(backend: string, kinds: readonly { readonly code: string; readonly outcome: string }[]): void;
  /** A create that ended; `code` is OK or a failure's. */
  countCreate(backend: string, code: string, outcome: string): void;
  countReplay(): void;
  /** A GraphQL request that took the fast lane. */
  countFastAnswer(): void;
  /** A value that the enum of this field of Detail cannot name. */
  countUnknownValue(field: string): void;
  /** A member of an answer that the contract does not name; `path` is the service's to choose. */
  countUnknownField(path: string): void;
  /** A field of a created task whose text is not the one that was sent. */
  countChangedField(field: string): void;
  /** A created task, the end of an attempt with an idempotency key, or a refused credential that could not be written down. */
  countUnwritten(what: 'record' | 'settlement' | 'refusal'): void;
  countRefusal(limit: Limit): void;
  setBreakerState(state: 'closed' | 'half-open' | 'open'): void;
  /** What /ready answered last. */
  setReady(isReady: boolean): void;
  /** In Prometheus' text format. */
  render(): Promise<RenderedMetrics>;
  /** For another process, to be added to what others counted. */
  snapshot(): Promise<MetricsSnapshot>;
}

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const;
const MAX_UNKNOWN_PATHS = 50;
const PLAIN_PATH = /^[\w.]+$/;
const CONFLICTS: ReadonlySet<string> = new Set(['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_PROGRESS']);

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const creates = createCounter(registry, {
    name: 'gateway_creates_total',
    help: 'Creates by backend, failure code (OK for none) and outcome (CREATED, NOT_SENT, REJECTED, UNKNOWN).',
    labelNames: ['backend', 'code', 'outcome'],
  });
  const replays = createCounter(registry, {
    name: 'gateway_idempotency_replays_total',
    help: 'Creates answered with the earlier result of their idempotency key.',
  })();
  const conflicts = createCounter(registry, {
    name: 'gateway_idempotency_conflicts_total',
    help: 'Creates refused because their idempotency key was used for another input, or its create is under way.',
    labelNames: ['code'],
  });
  for (const code of CONFLICTS) conflicts(code);
  const fastAnswers = createCounter(registry, {
    name: 'gateway_fast_answers_total',
    help: 'GraphQL requests answered by the fast lane, without Yoga.',
  })();
  const unknownValues = createCounter(registry, {
    name: 'gateway_unknown_values_total',
    help: 'Values in answers that the enum of their field cannot name, by field.',
    labelNames: ['field'],
  });
  for (const field of ['Frequency', 'Notification']) unknownValues(field);
  const unknownFields = createCounter(registry, {
    name: 'gateway_unknown_fields_total',
    help: 'Members of answers that the contract does not name, by path (other: not among the first paths).',
    labelNames: ['path'],
  });
  const paths = createBoundedLabels(MAX_UNKNOWN_PATHS);
  unknownFields(paths.find(''));
  const changedFields = createCounter(registry, {
    name: 'gateway_changed_fields_total',
    help: 'Fields of created tasks whose text is not the one that was sent, by field.',
    labelNames: ['field'],
  });
  for (const field of ['Parameters', 'ContentType']) changedFields(field);
  const unwritten = createCounter(registry, {
    name: 'gateway_unwritten_total',
    help: 'Created tasks, ends of attempts with an idempotency key, and refused credentials that could not be written down.',
    labelNames: ['what'],
  });
  for (const what of ['record', 'settlement', 'refusal']) unwritten(what);
  const refusals = createCounter(registry, {
    name: 'gateway_refusals_total',
    help: 'What was refused or had to wait because a bound was reached, by the bound.',
    labelNames: ['limit'],
  });
  for (const limit of [...LIMITS, ...DOCUMENT_LIMIT_NAMES.map((name) => `document_${name}`)]) refusals(limit);
  const breaker = createGauge(registry, {
    name: 'gateway_circuit_state',
    help: 'The circuit to the service: 0 closed, 1 half-open, 2 open.',
    aggregator: 'max',
  })();
  const ready = createGauge(registry, {
    name: 'gateway_ready',
    help: 'What /ready answered last: 1 ready, 0 not; 1 before it was asked.',
    aggregator: 'min',
  })();
  ready.value = 1;
  return {
    requests: createRequestMetrics(registry),
    observeUpstream: () => createUpstreamMetrics(registry),
    commits: createCommitMetrics(registry),
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
    snapshot: () => registry.getMetricsAsJSON(),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
