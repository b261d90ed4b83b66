import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** Adds up the metrics of several processes. Counters never go back: the counts of processes that have ended stay in the sum. */
export interface MetricsOfWorkers {
  /** Replaces this worker's previous snapshot. */
  update(worker: number, snapshot: MetricsSnapshot): void;
  /** Keeps the counts of a worker that has ended. */
  retire(worker: number): void;
  setServing(workers: number): void;
  countEnded(cause: EndCause): void;
  render(): Promise<RenderedMetrics>;
}

const END_CAUSES = ['died', 'hung'] as const;
type EndCause = (typeof END_CAUSES)[number];

/** The metric types that can be added up over processes of different times. */
const KEPT_TYPES: ReadonlySet<string> = new Set(['counter', 'histogram']);

export function createMetricsOfWorkers(): MetricsOfWorkers {
  const latest = new Map<number, MetricsSnapshot>();
  const ofEnded: MetricsSnapshot[] = [];
  let addingUp = Promise.resolve();
  /** Runs one at a time, and replaces the parts by their sum in one step. */
  const addUp = async (): Promise<void> => {
    const parts = [...ofEnded];
    ofEnded.splice(0, parts.length, await AggregatorRegistry.aggregate(parts).getMetricsAsJSON());
  };
  const registry = new Registry();
  const serving = new Gauge({
    name: 'gateway_workers',
    help: 'Worker processes that are serving.',
    registers: [registry],
  });
  const ended = new Counter({
    name: 'gateway_workers_ended_total',
    help: 'Worker processes that ended unexpectedly, by cause: they died, or hung and were killed.',
    labelNames: ['cause'],
    registers: [registry],
  });
  for (const cause of END_CAUSES) ended.inc({ cause }, 0);
  return {
    update: (worker, snapshot) => void latest.set(worker, snapshot),
    retire(worker) {
      const kept = latest.get(worker)?.filter(({ type }) => KEPT_TYPES.has(String(type)));
      latest.delete(worker);
      if (!kept) return;
      ofEnded.push(kept);
      addingUp = addingUp.then(addUp);
    },
    setServing: (workers) => serving.set(workers),
    countEnded: (cause) => ended.inc({ cause }),
    async render() {
      const sum = AggregatorRegistry.aggregate([...latest.values(), ...ofEnded, await registry.getMetricsAsJSON()]);
      return { contentType: sum.contentType, text: await sum.metrics() };
    },
  };
}
