import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot, RenderedMetrics } from '../telemetry/metrics.ts';

/** The metrics of several processes as those of one. Counters never go back, for what an ended process counted stays in them. */
export interface MetricsOfWorkers {
  /** Takes the place of what this worker said before. */
  update(worker: number, snapshot: MetricsSnapshot): void;
  /** The worker has ended. */
  retire(worker: number): void;
  setServing(workers: number): void;
  countEnded(cause: EndCause): void;
  render(): Promise<RenderedMetrics>;
}

const END_CAUSES = ['died', 'hung'] as const;
type EndCause = (typeof END_CAUSES)[number];

/** What may be added up over processes that do not live at the same time. */
const KEPT_TYPES: ReadonlySet<string> = new Set(['counter', 'histogram']);

export function createMetricsOfWorkers(): MetricsOfWorkers {
  const latest = new Map<number, MetricsSnapshot>();
  const ofEnded: MetricsSnapshot[] = [];
  let addingUp = Promise.resolve();
  /** One after the other; what has been added up and its parts change places in one step. */
  const addUp = async (): Promise<void> => {
    const parts = [...ofEnded];
    ofEnded.splice(0, parts.length, await AggregatorRegistry.aggregate(parts).getMetricsAsJSON());
  };
  const registry = new Registry();
  const serving = new Gauge({
    name: 'gateway_workers',
    help: 'Worker processes that serve.',
    registers: [registry],
  });
  const ended = new Counter({
    name: 'gateway_workers_ended_total',
    help: 'Worker processes that ended without having been told to, by cause: they died, or hung and were killed.',
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
