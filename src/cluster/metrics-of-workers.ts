import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

const END_CAUSES = ['died', 'hung'] as const;
/** The metric types that can be added up over processes of different times. */
const KEPT_TYPES: ReadonlySet<string> = new Set(['counter', 'histogram']);

/** Adds up the metrics of several processes. Counters never go back: the counts of processes that have ended stay in the sum. */
export function createMetricsOfWorkers() {
  const latest = new Map<number, MetricsSnapshot>();
  let ofEnded: Promise<MetricsSnapshot> = Promise.resolve([]);
  const registry = new Registry();
  const registers = [registry];
  const help = 'Worker processes that are serving.';
  const serving = new Gauge({ name: 'gateway_workers', help, registers });
  const ended = new Counter({
    name: 'gateway_workers_ended_total',
    help: 'Worker processes that ended unexpectedly, by cause: they died, or hung and were killed.',
    labelNames: ['cause'],
    registers,
  });
  for (const cause of END_CAUSES) ended.inc({ cause }, 0);
  return {
    /** Replaces this worker's previous snapshot. */
    update: (worker: number, snapshot: MetricsSnapshot): void => void latest.set(worker, snapshot),
    /** Keeps the counts of a worker that has ended. */
    retire(worker: number): void {
      const kept = latest.get(worker)?.filter(({ type }) => KEPT_TYPES.has(String(type)));
      latest.delete(worker);
      if (kept) ofEnded = ofEnded.then((sum) => AggregatorRegistry.aggregate([sum, kept]).getMetricsAsJSON());
    },
    setServing: (workers: number): void => serving.set(workers),
    countEnded: (cause: (typeof END_CAUSES)[number]): void => ended.inc({ cause }),
    async render(): Promise<RenderedMetrics> {
      const sum = AggregatorRegistry.aggregate([...latest.values(), await ofEnded, await registry.getMetricsAsJSON()]);
      return { contentType: sum.contentType, text: await sum.metrics() };
    },
  };
}
