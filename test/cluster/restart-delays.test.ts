import { expect, test } from 'vitest';
import { restartDelayMs } from '../../src/cluster/supervisor.ts';

test('a worker that lived long restarts at once', () => {
  expect(restartDelayMs(0)).toBe(0);
});

test('a worker that crashes again and again waits twice as long each time, up to half a minute', () => {
  const delays = [1, 2, 3, 4, 7, 8, 9, 1_000].map(restartDelayMs);
  expect(delays).toEqual([250, 500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000]);
});
