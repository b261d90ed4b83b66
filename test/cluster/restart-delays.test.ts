import { expect, test } from 'vitest';
import { createRestartDelays } from '../../src/cluster/supervisor.ts';

const OPTIONS = { firstMs: 250, maxMs: 3_000, steadyMs: 10_000 };

test('a process that lived long restarts at once', () => {
  const delays = createRestartDelays(OPTIONS);
  expect([10_000, 60_000].map((livedMs) => delays.next(livedMs))).toEqual([0, 0]);
});

test('a process that crashes again and again waits twice as long each time, up to a maximum', () => {
  const delays = createRestartDelays(OPTIONS);
  const lives = [0, 9_999, 5, 5, 5, 5];
  expect(lives.map((livedMs) => delays.next(livedMs))).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000]);
});

test('a long life resets the delay', () => {
  const delays = createRestartDelays(OPTIONS);
  expect([1, 1, 10_000, 1].map((livedMs) => delays.next(livedMs))).toEqual([250, 500, 0, 250]);
});
