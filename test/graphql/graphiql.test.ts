import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';

test('GraphiQL is rendered once, in a thread of its own, so that other requests need not wait for it', {
  timeout: 120_000,
}, async () => {
  const gateway = await startStoreGateway();
  let threads = 0;
  const count = (): number => (threads += 1);
  process.on('worker', count);
  onTestFinished(async () => {
    process.off('worker', count);
    await gateway.close();
  });
  const read = async (): Promise<string> => {
    const answer = await fetch(new URL('graphql', gateway.url), { headers: { accept: 'text/html' } });
    return answer.text();
  };
  const page = await read();
  expect(page).toContain('GraphiQL');
  expect(await read()).toBe(page);
  expect(threads).toBe(1);
});

test('GraphiQL is rendered by the next request if the thread that renders it ends', { timeout: 120_000 }, async () => {
  const gateway = await startStoreGateway();
  process.once('worker', (worker: Worker) => void worker.terminate());
  onTestFinished(() => gateway.close());
  const ask = () => fetch(new URL('graphql', gateway.url), { headers: { accept: 'text/html' } });
  const failed = await ask();
  expect(await failed.text()).toContain('Unexpected error.');
  const page = await ask();
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('GraphiQL') as unknown]);
});
