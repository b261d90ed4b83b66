import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createMetricsOfWorkers } from '../../src/cluster/supervisor.ts';

async function readValues(metrics: ReturnType<typeof createMetricsOfWorkers>) {
  const { text } = await metrics.render(2);
  const read = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    failures: read('gateway_commit_failures_total'),
    circuit: read('gateway_circuit_state'),
    memory: read('process_resident_memory_bytes'),
    loopLags: (text.match(/^nodejs_eventloop_lag_seconds /gm) ?? []).length,
  };
}

async function snapshotOf({ failures, circuit }: { failures: number; circuit: 'open' | 'closed' }) {
  const metrics = createMetrics();
  const commit = metrics.observeCommits('task');
  for (let count = 0; count < failures; count += 1) commit.onFailure();
  metrics.setBreakerState(circuit);
  return metrics.snapshot();
}

test('counts and memory are added up, the worst circuit state wins, and each metric appears once', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  metricsOfWorkers.update(1, await snapshotOf({ failures: 3, circuit: 'open' }));
  const { memory: memoryOfOne } = await readValues(metricsOfWorkers);
  metricsOfWorkers.update(2, await snapshotOf({ failures: 4, circuit: 'closed' }));
  const { memory, ...values } = await readValues(metricsOfWorkers);
  expect(values).toEqual({ failures: 7, circuit: 2, loopLags: 1 });
  expect(memory).toBeGreaterThan(1.5 * memoryOfOne);
});

test('a newer snapshot replaces the previous one', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  metricsOfWorkers.update(1, await snapshotOf({ failures: 3, circuit: 'open' }));
  metricsOfWorkers.update(1, await snapshotOf({ failures: 5, circuit: 'closed' }));
  expect(await readValues(metricsOfWorkers)).toMatchObject({ failures: 5, circuit: 0 });
});

test('counts of ended workers stay in the sum, but not their memory or circuit', async () => {
  const metricsOfWorkers = createMetricsOfWorkers();
  for (const worker of [1, 2, 3]) metricsOfWorkers.update(worker, await snapshotOf({ failures: 10, circuit: 'open' }));
  for (const worker of [1, 2, 3, 4]) {
    metricsOfWorkers.retire(worker);
    expect((await readValues(metricsOfWorkers)).failures).toBe(30);
  }
  expect(await readValues(metricsOfWorkers)).toMatchObject({ circuit: Number.NaN, memory: Number.NaN });
  metricsOfWorkers.update(5, await snapshotOf({ failures: 1, circuit: 'closed' }));
  expect(await readValues(metricsOfWorkers)).toMatchObject({ failures: 31, circuit: 0 });
});
