import { expect, test } from 'vitest';
import { createWorkQueue } from '../../src/auth/work-queue.ts';

/** Creates jobs that run until `end` is called. */
function work() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { started, start, end: (name: string) => ends.get(name)?.() };
}

test('jobs run up to the limit, wait in order up to a second limit, and are refused beyond', async () => {
  const { started, start, end } = work();
  const queue = createWorkQueue({ maxRunning: 2, maxWaiting: 2 });
  const results = ['a', 'b', 'c', 'd'].map((name) => queue.run(start(name)));
  expect(started).toEqual(['a', 'b']);
  expect(queue.run(start('e'))).toBeNull();
  end('b');
  expect(await results[1]).toBe('b');
  await expect.poll(() => started, { timeout: 20_000 }).toEqual(['a', 'b', 'c']);
  end('a');
  await expect.poll(() => started, { timeout: 20_000 }).toEqual(['a', 'b', 'c', 'd']);
  end('c');
  end('d');
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) expect(await results[index]).toBe(name);
});

test('a job that fails makes room for the next one', async () => {
  const queue = createWorkQueue({ maxRunning: 1, maxWaiting: 1 });
  const failing = queue.run(() => Promise.reject(new Error('no')));
  const waiting = queue.run(async () => 'done');
  await expect(failing).rejects.toThrow('no');
  expect(await waiting).toBe('done');
  expect(await queue.run(async () => 'again')).toBe('again');
});
