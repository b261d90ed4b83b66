import { expect, onTestFinished, test } from 'vitest';
import { createRetryQueue } from '../../../src/store/idempotency/retry-queue.ts';
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
    onDropped: (_, item) => dropped.push(item),
    retryMs: 3_600_000,
  });
  onTestFinished(() => queue.close());
  state.isDown = true;
  for (const item of ['aaaa', 'bbbb', 'cc', 'ddd', 'eeeeeeeeeeee']) {
    await expect(queue.write(item)).rejects.toMatchObject({ outcome: 'NOT_SENT' });
  }
  expect(dropped).toEqual(['aaaa', 'bbbb', 'cc', 'ddd']);
});
