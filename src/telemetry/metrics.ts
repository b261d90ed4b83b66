import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import { createBoundedLabels, createFamilies, type MetricSnapshot } from './series.ts';
import type { TaskService } from '../contract/task-service.ts';
import {
  createCommitMetrics,
  createRequestMetrics,
  createUpstreamMetrics,
  observeWrites,
  type ObservedWrites,
} from './traffic-metrics.ts';

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

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Creates the metrics of the gateway. Series with known labels start at 0, so that `increase()` sees the first event. The number
 * of series is bounded: callers cannot create labels at will.
 */
export function createMetrics() {
  const shared = watchProcess();
  const registry = new Registry();
  const registers = [registry];
  const families = createFamilies(registry);
  const lateAnswers = new Counter({
    name: 'gateway_late_answers_total',
    help: 'Answers of the service that arrived after their create was settled by hand, which stays as it was settled.',
    registers,
  });
  const paths = createBoundedLabels(MAX_UNKNOWN_PATHS);
  const countPath = families.addCounter<string>(
    'gateway_unknown_fields_total',
    'Members of answers that are not in the contract, by path (other: beyond the first 50 paths).',
    'path',
    [paths.find('')],
  );
  const breaker = new Gauge({
    name: 'gateway_circuit_state',
    help: 'State of the circuit breaker of the service: 0 closed, 1 half-open, 2 open.',
    aggregator: 'max',
    registers,
  });
  const ready = new Gauge({
    name: 'gateway_ready',
    help: 'Latest result of /ready: 1 ready, 0 not ready; 1 before the first request.',
    aggregator: 'min',
    registers,
  });
  ready.set(1);
  const countRefusal = families.addCounter(
    'gateway_refusals_total',
    'Requests, connections and answers that were refused, truncated or had to wait at a limit, by limit.',
    'limit',
    LIMITS,
  );
  return {
    requests: createRequestMetrics(families),
    /** Decorates a task service: counts its writes. To be called once. */
    observeWrites: (tasks: TaskService, observed: ObservedWrites) => observeWrites(families, tasks, observed),
    /** To be called once, in upstream mode only. */
    observeUpstream: () => createUpstreamMetrics(families),
    observeCommits: createCommitMetrics(families, () => countRefusal('pending_writes')),
    /** Counts a member of an answer that is not in the contract. The service chooses `path`, so its labels are bounded. */
    countUnknownField: (path: string) => countPath(PLAIN_PATH.test(path) ? paths.admit(path) : paths.find('')),
    countChangedField: families.addCounter<string>(
      'gateway_changed_fields_total',
      'Fields of created tasks that differ from the text that was sent, by field.',
      'field',
      ['Parameters', 'ContentType'],
    ),
    countUnwritten: families.addCounter(
      'gateway_unwritten_total',
      'Failed writes to the database, retried or given up: created tasks (record), results of idempotency keys (settlement), refused credentials (refusal).',
      'what',
      ['record', 'settlement', 'refusal'],
    ),
    countLateAnswer: () => lateAnswers.inc(),
    /** Registers a gauge of the writes that wait to be settled. To be called once, in upstream mode only. */
    watchUnsettledAttempts(count: () => Promise<number>) {
      const unsettled = new Gauge({
        name: 'gateway_unsettled_attempts',
        help: 'Writes of unknown fate that nobody has settled yet, in all gateways of the database.',
        aggregator: 'max',
        registers,
        async collect() {
          // Metrics are needed most while the database is slow; the gauge then keeps its value.
          const counted = await withTimeLimit<number | null>(count(), MAX_COUNT_MS, () => null).catch(() => null);
          if (counted !== null) unsettled.set(counted);
        },
      });
    },
    countRefusal,
    setBreakerState: (state: keyof typeof BREAKER_STATES) => breaker.set(BREAKER_STATES[state]),
    setReady: (isReady: boolean) => ready.set(isReady ? 1 : 0),
    /** Returns the values for another process, which sums those of all workers. */
    snapshot: async () => [...(await shared.snapshot()), ...(await families.snapshot())],
    /** Renders all metrics in Prometheus' text format. */
    render: async (): Promise<RenderedMetrics> => ({
      contentType: registry.contentType,
      text: `${await shared.render()}\n${await families.render()}`,
    }),
  };
}

interface ProcessMetrics {
  readonly render: () => Promise<string>;
  readonly snapshot: () => Promise<MetricsSnapshot>;
}

let ofProcess: ProcessMetrics | null = null;

/**
 * Returns prom-client's metrics of the process, which all its gateways share: nothing ends the timer and the observer behind them.
 * Reading them starts the delays of the event loop anew, so a reading serves all gateways for a second. A snapshot is not shared: a
 * worker has one gateway and sends one every second.
 */
function watchProcess(): ProcessMetrics {
  if (ofProcess) return ofProcess;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  ofProcess = {
    render: shareForASecond(() => registry.metrics()),
    snapshot: () => registry.getMetricsAsJSON(),
  };
  return ofProcess;
}
