import { expect, onTestFinished, test } from 'vitest';
import { TaskFailure } from '../../../src/contract/failure.ts';
import { withSteps } from '../../../src/event-loop/request-steps.ts';
import { createRetryQueue } from '../../../src/store/idempotency/retry-queue.ts';
import { recordSteps } from '../../support/recorded-steps.ts';
import { migratedDatabase } from '../../support/sample-account.ts';
import { withOutages } from '../outages.ts';

test('a retry queue drops its oldest items when their bytes exceed the limit', async () => {
  const { database, state } = withOutages(await migratedDatabase('SQLite'));
  const dropped: string[] = [];
  const queue = createRetryQueue<string>({
    database,
    maxPending: 1000,
    maxQueuedBytes: 10,
    sizeOf: ({ length }) => length,
    write: async () => {},
    onUnwritten: (error, item) => error instanceof TaskFailure || dropped.push(item),
    retryMs: 3_600_000,
  });
  onTestFinished(() => queue.close());
  state.isDown = true;
  for (const item of ['aaaa', 'bbbb', 'cc', 'ddd', 'eeeeeeeeeeee']) {
    await queue.write(item);
  }
  expect(dropped).toEqual(['aaaa', 'bbbb', 'cc', 'ddd']);
});

test('a retried write is a step neither of the request that failed nor of the one that flushes the queue', async () => {
  const { database, state } = withOutages(await migratedDatabase('SQLite'));
  const written: string[] = [];
  const unwritten: unknown[] = [];
  const queue = createRetryQueue<string>({
    database,
    maxPending: 1000,
    write: async (_, items) => void written.push(...items),
    onUnwritten: (error) => unwritten.push(error),
    retryMs: 3_600_000,
  });
  onTestFinished(() => queue.close());
  const [failed, later] = [recordSteps(), recordSteps()];
  state.isDown = true;
  await withSteps(failed, () => queue.write('a'));
  expect(unwritten).toMatchObject([{ outcome: 'NOT_SENT' }]);
  state.isDown = false;
  await withSteps(later, async () => {
    await queue.flush();
    await queue.write('b');
  });
  expect(written).toEqual(['a', 'b']);
  expect(failed.noted).toEqual([{ kind: 'commit', items: 1 }, { error: expect.any(Error) as Error }]);
  expect(later.noted).toEqual([{ kind: 'commit', items: 1 }, {}]);
});
