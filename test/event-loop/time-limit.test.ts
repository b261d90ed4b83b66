import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { abortAfter, setTimeLimit, withTimeLimit } from '../../src/event-loop/time-limit.ts';

const LIMIT_MS = 50;
const STOPPED = 0;
const ANSWERED = 1;

/** A server in its own thread. It answers a request once the main thread has stopped. */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const set = (index) => {
    Atomics.store(workerData, index, 1);
    Atomics.notify(workerData, index);
  };
  const server = createServer((request, response) => {
    parentPort.postMessage('requested');
    Atomics.wait(workerData, ${STOPPED}, 0);
    response.end('{"keys":[]}', () => set(${ANSWERED}));
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('an answer that arrives during a pause of the process is read before the time limit applies', async () => {
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(SERVER, { eval: true, workerData: flags });
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = (await once(worker, 'message')) as [number];
  const requested = once(worker, 'message');
  const aborter = new AbortController();
  const response = fetch(`http://127.0.0.1:${port}`, { signal: aborter.signal }).then((answer) => answer.json());
  await requested;
  const sinceMs = performance.now();
  setTimeLimit(() => aborter.abort(), LIMIT_MS);
  Atomics.store(flags, STOPPED, 1);
  Atomics.notify(flags, STOPPED);
  Atomics.wait(flags, ANSWERED, 0);
  while (performance.now() < sinceMs + 2 * LIMIT_MS);
  expect(await response).toEqual({ keys: [] });
});

test('a time limit that has passed already is over at once, without a warning of Node', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  expect(await withTimeLimit(new Promise<string>(() => {}), -546.93, () => 'over')).toBe('over');
  expect(warnings).toEqual([]);
});

test('work that ends in time settles as it does', async () => {
  const late = vi.fn<() => string>(() => 'late');
  expect(await withTimeLimit(Promise.resolve('done'), LIMIT_MS, late)).toBe('done');
  await expect(withTimeLimit(Promise.reject(new Error('broken')), LIMIT_MS, late)).rejects.toThrow('broken');
  await delay(2 * LIMIT_MS);
  expect(late).not.toHaveBeenCalled();
});

test('work that is late settles as the time limit says', async () => {
  const work = new Promise<string>(() => {});
  expect(await withTimeLimit(work, LIMIT_MS, () => 'late')).toBe('late');
  await expect(
    withTimeLimit(work, LIMIT_MS, () => {
      throw new Error('late');
    }),
  ).rejects.toThrow('late');
});

test('abortAfter aborts with a TimeoutError', async () => {
  const signal = abortAfter(LIMIT_MS);
  await once(signal, 'abort');
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});
