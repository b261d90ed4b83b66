import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createMetricsOfWorkers } from '../../src/cluster/metrics-of-workers.ts';

async function readValues(metrics: ReturnType<typeof createMetricsOfWorkers>) {
  const { text } = await metrics.render();
  const read = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    creates: read('gateway_creates_total'),
    circuit: read('gateway_circuit_state'),
    memory: read('process_resident_memory_bytes'),
    loopLags: (text.match(/^nodejs_eventloop_lag_seconds /gm) ?? []).length,
  };
}

async function snapshotOf({ creates, circuit }: { creates: number; circuit: 'open' | 'closed' }) {
  const metrics = createMetrics();
  for (let count = 0; count < creates; count += 1) metrics.countCreate('store', 'OK', 'CREATED');
  metrics.setBreakerState(circuit);
  return metrics.snapshot();
}

test('counts and memory are added up, the worst circuit state wins, and each metric appears once', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  metricsOfWorkers.update(1, await snapshotOf({ creates: 3, circuit: 'open' }));
  const { memory: memoryOfOne } = await readValues(metricsOfWorkers);
  metricsOfWorkers.update(2, await snapshotOf({ creates: 4, circuit: 'closed' }));
  const { memory, ...values } = await readValues(metricsOfWorkers);
  expect(values).toEqual({ creates: 7, circuit: 2, loopLags: 1 });
  expect(memory).toBeGreaterThan(1.5 * memoryOfOne);
});

test('a newer snapshot replaces the previous one', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  metricsOfWorkers.update(1, await snapshotOf({ creates: 3, circuit: 'open' }));
  metricsOfWorkers.update(1, await snapshotOf({ creates: 5, circuit: 'closed' }));
  expect(await readValues(metricsOfWorkers)).toMatchObject({ creates: 5, circuit: 0 });
});

test('counts of ended workers stay in the sum, but not their memory or circuit', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  for (const worker of [1, 2, 3]) metricsOfWorkers.update(worker, await snapshotOf({ creates: 10, circuit: 'open' }));
  for (const worker of [1, 2, 3, 4]) {
    metricsOfWorkers.retire(worker);
    expect((await readValues(metricsOfWorkers)).creates).toBe(30);
  }
  expect(await readValues(metricsOfWorkers)).toMatchObject({ circuit: Number.NaN, memory: Number.NaN });
  metricsOfWorkers.update(5, await snapshotOf({ creates: 1, circuit: 'closed' }));
  expect(await readValues(metricsOfWorkers)).toMatchObject({ creates: 31, circuit: 0 });
});
