import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRecordReads } from '../../src/store/task-records.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { createTimeOrderedId } from '../../src/store/account-tasks.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { DATABASES } from '../support/databases.ts';
import { migratedDatabase } from '../support/sample-account.ts';

const OWNER = { scope: 's', credential: null } as const;
const TASK_IDS = [randomUUID(), randomUUID()];

/** Writes records without the column `task_id`, with the two TaskIDs in turn, and returns their IDs. */
async function writeOldRecords(database: Database, count: number): Promise<readonly string[]> {
  const details = Array.from({ length: count }, (_, index) => ({
    ...SAMPLE_DETAIL,
    ID: randomUUID(),
    TaskID: `{${TASK_IDS[index % 2]?.toUpperCase()}}`,
  }));
  const rows = details.map((detail, index) => ['s', createTimeOrderedId(index), detail.ID, JSON.stringify(detail)]);
  await database.transaction((transaction) =>
    transaction.insert('recorded_tasks', ['scope', 'position', 'id', 'detail'], rows),
  );
  return details.map(({ ID }) => ID);
}

describe.each(DATABASES)('on %s', (kind) => {
  test('records that are older than the column of their TaskID are listed, but not by taskIds', async () => {
    const database = await migratedDatabase(kind);
    const ids = await writeOldRecords(database, 3);
    const reads = createRecordReads(database);
    const page = { first: 9, after: null, order: 'OLDEST_FIRST' } as const;
    expect((await reads.list(OWNER, page)).tasks.map(({ ID }) => ID)).toEqual(ids);
    expect(await reads.list(OWNER, { ...page, filter: { taskIds: TASK_IDS } })).toMatchObject({ tasks: [] });
  });

  test('a list goes on behind a cursor whose record has been deleted since', async () => {
    const database = await migratedDatabase(kind);
    const ids = await writeOldRecords(database, 5);
    const reads = createRecordReads(database);
    const sql = 'DELETE FROM recorded_tasks WHERE id = ANY (?1)';
    await database.transaction((transaction) => transaction.write(sql, [ids.slice(0, 2)]));
    const list = async (order: 'NEWEST_FIRST' | 'OLDEST_FIRST', after: string) =>
      (await reads.list(OWNER, { first: 9, after, order })).tasks.map(({ ID }) => ID);
    expect(await list('OLDEST_FIRST', ids[1] ?? '')).toEqual(ids.slice(2));
    expect(await list('NEWEST_FIRST', ids[1] ?? '')).toEqual([]);
  });
});
