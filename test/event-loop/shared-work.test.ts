import { expect, test, vi } from 'vitest';
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
  vi.advanceTimersByTime(60_000);
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
