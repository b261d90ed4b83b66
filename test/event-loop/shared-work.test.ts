import { expect, onTestFinished, test, vi } from 'vitest';
import { shareForASecond } from '../../src/event-loop/shared-work.ts';

test('shareForASecond runs the work once for callers at the same time or within a second, failures included', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  let runs = 0;
  let running = Promise.withResolvers<number>();
  const read = shareForASecond(() => {
    runs += 1;
    running = Promise.withResolvers();
    return running.promise;
  });
  const first = [read(), read()];
  vi.advanceTimersByTime(29_999);
  first.push(read());
  running.resolve(runs);
  expect(await Promise.all(first)).toEqual([1, 1, 1]);
  vi.advanceTimersByTime(999);
  expect(await read()).toBe(1);
  vi.advanceTimersByTime(1);
  const second = read();
  running.reject(new Error('no'));
  await expect(second).rejects.toThrow('no');
  await expect(read()).rejects.toThrow('no');
  vi.advanceTimersByTime(1_000);
  const third = read();
  running.resolve(runs);
  expect(await third).toBe(3);
  vi.useRealTimers();
});

test('shareForASecond runs the work again if a run has not ended after 30 seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const runs: PromiseWithResolvers<string>[] = [];
  const read = shareForASecond(() => {
    const run = Promise.withResolvers<string>();
    runs.push(run);
    return run.promise;
  });
  const first = read();
  vi.advanceTimersByTime(30_000);
  const second = read();
  expect(runs).toHaveLength(2);
  // A late end of the first run must not extend the second.
  runs[0]?.resolve('late');
  expect(await first).toBe('late');
  vi.advanceTimersByTime(1_000);
  expect(read()).toBe(second);
  runs[1]?.resolve('in time');
  expect(await read()).toBe('in time');
});
