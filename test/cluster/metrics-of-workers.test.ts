import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createMetricsOfWorkers } from '../../src/cluster/metrics-of-workers.ts';

async function readValues(of: ReturnType<typeof createMetricsOfWorkers>) {
  const { text } = await of.render();
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

test('counts and memory are added up, a circuit is as bad as the worst, and each metric is there once', async () => {
  const ofWorkers = createMetricsOfWorkers();
  ofWorkers.update(1, await snapshotOf({ creates: 3, circuit: 'open' }));
  const { memory: ofOne } = await readValues(ofWorkers);
  ofWorkers.update(2, await snapshotOf({ creates: 4, circuit: 'closed' }));
  const { memory, ...values } = await readValues(ofWorkers);
  expect(values).toEqual({ creates: 7, circuit: 2, loopLags: 1 });
  expect(memory).toBeGreaterThan(1.5 * ofOne);
});

test('a newer snapshot takes the place of the one before', async () => {
  const ofWorkers = createMetricsOfWorkers();
  ofWorkers.update(1, await snapshotOf({ creates: 3, circuit: 'open' }));
  ofWorkers.update(1, await snapshotOf({ creates: 5, circuit: 'closed' }));
  expect(await readValues(ofWorkers)).toMatchObject({ creates: 5, circuit: 0 });
});

test('what ended workers counted stays, though not their memory or circuit, however many have ended', async () => {
  const ofWorkers = createMetricsOfWorkers();
  for (const worker of [1, 2, 3]) ofWorkers.update(worker, await snapshotOf({ creates: 10, circuit: 'open' }));
  for (const worker of [1, 2, 3, 4]) {
    ofWorkers.retire(worker);
    expect((await readValues(ofWorkers)).creates).toBe(30);
  }
  expect(await readValues(ofWorkers)).toMatchObject({ circuit: Number.NaN, memory: Number.NaN });
  ofWorkers.update(5, await snapshotOf({ creates: 1, circuit: 'closed' }));
  expect(await readValues(ofWorkers)).toMatchObject({ creates: 31, circuit: 0 });
});
