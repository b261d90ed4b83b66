import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';

export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

/** What the gateway counts, and how it is read. Names and labels are bounded: no value of a caller's becomes a label. */
export interface Metrics {
  /** A create that ended; `code` is OK or a failure's. */
  countCreate(backend: string, code: string, outcome: string): void;
  countReplay(): void;
  /** A GraphQL request that took the fast lane. */
  countFastAnswer(): void;
  /** A value that the enum of this field of Detail cannot name. */
  countUnknownValue(field: string): void;
  /** A task that was created but not recorded, or an idempotency key whose attempt could not be settled. */
  countUnwritten(what: 'record' | 'settlement'): void;
  setBreakerState(state: 'closed' | 'half-open' | 'open'): void;
  /** In Prometheus' text format. */
  render(): Promise<RenderedMetrics>;
  /** For another process, to be added to what others counted. */
  snapshot(): Promise<MetricsSnapshot>;
}

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const creates = new Counter({
    name: 'gateway_creates_total',
    help: 'Creates by backend, failure code (OK for none) and outcome (CREATED, NOT_SENT, REJECTED, UNKNOWN).',
    labelNames: ['backend', 'code', 'outcome'],
    registers,
  });
  const replays = new Counter({
    name: 'gateway_replays_total',
    help: 'Creates answered with the earlier result of their idempotency key.',
    registers,
  });
  const fastAnswers = new Counter({
    name: 'gateway_fast_answers_total',
    help: 'GraphQL requests answered by the fast lane, without Yoga.',
    registers,
  });
  const unknownValues = new Counter({
    name: 'gateway_unknown_values_total',
    help: 'Values in answers that the enum of their field cannot name, by field.',
    labelNames: ['field'],
    registers,
  });
  const unwritten = new Counter({
    name: 'gateway_unwritten_total',
    help: 'Created tasks that could not be recorded, and idempotency keys whose attempt could not be settled.',
    labelNames: ['what'],
    registers,
  });
  const breaker = new Gauge({
    name: 'gateway_circuit_state',
    help: 'The circuit to the service: 0 closed, 1 half-open, 2 open.',
    // Of several processes the worst.
    aggregator: 'max',
    registers,
  });
  return {
    countCreate: (backend, code, outcome) => creates.inc({ backend, code, outcome }),
    countReplay: () => replays.inc(),
    countFastAnswer: () => fastAnswers.inc(),
    countUnknownValue: (field) => unknownValues.inc({ field }),
    countUnwritten: (what) => unwritten.inc({ what }),
    setBreakerState: (state) => breaker.set(BREAKER_STATES[state]),
    snapshot: () => registry.getMetricsAsJSON(),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
