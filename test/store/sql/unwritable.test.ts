import { expect, test } from 'vitest';
import type { Database } from '../../../src/store/sql/database.ts';
import { REPORT_TASK, sampleCall, sampleStore } from '../../support/sample-account.ts';

const UNWRITABLE = {
  code: 'STORE_UNAVAILABLE',
  outcome: 'NOT_SENT',
  retryable: true,
  message: 'The task store cannot be written at the moment; nothing was stored.',
};
const LARGE_TASK = { ...REPORT_TASK, Parameters: JSON.stringify('x'.repeat(100_000)) };

async function limitSize(database: Database): Promise<void> {
  const [row] = await database.read<{ page_count: number }>('PRAGMA page_count');
  await database.read(`PRAGMA max_page_count = ${row!.page_count}`);
}

test.each<readonly [string, string, (database: Database) => Promise<unknown>, string]>([
  ['a full disk', 'the disk is full', limitSize, 'PRAGMA max_page_count = 1000000'],
  [
    'a database turned read-only',
    'the file is read-only',
    (database) => database.read('PRAGMA query_only = 1'),
    'PRAGMA query_only = 0',
  ],
])(
  '%s fails every create of the commit and stores nothing, and creates work again afterwards',
  async (_, reason, begin, end) => {
    const { store, database } = await sampleStore('SQLite');
    const call = await sampleCall(database);
    const kept = await store.tasks.create(REPORT_TASK, call);
    await begin(database);

    const results = await Promise.allSettled([LARGE_TASK, REPORT_TASK].map((task) => store.tasks.create(task, call)));
    const rejection = { status: 'rejected', reason: { ...UNWRITABLE, cause: { reason } } };
    expect(results).toMatchObject([rejection, rejection]);
    const during = await store.tasks.list({ first: 10, after: null }, call);
    expect(during.tasks).toEqual([kept.accountTask]);

    await database.read(end);
    const later = await store.tasks.create(LARGE_TASK, call);
    const after = await store.tasks.list({ first: 10, after: null }, call);
    expect(after.tasks).toEqual([later.accountTask, kept.accountTask]);
  },
);
