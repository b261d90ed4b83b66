import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRecordReads, fillTaskIds } from '../../../src/store/reading/record-reads.ts';
import type { Database } from '../../../src/store/sql/database.ts';
import { createTimeOrderedId } from '../../../src/store/time-ordered-ids.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { DATABASES } from '../../support/databases.ts';
import { migratedDatabase } from '../../support/sample-account.ts';

const OWNER = { scopes: ['s'], credential: null } as const;
const TASK_IDS = [randomUUID(), randomUUID()];

/** Writes records as version 0.1 did, with the two TaskIDs in turn, and returns their IDs. */
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
  test('records of older versions are listed by taskId before and after the column is filled in', async () => {
    const database = await migratedDatabase(kind);
    const ids = await writeOldRecords(database, 150);
    const reads = createRecordReads(database);
    const list = async () => {
      const found: string[] = [];
      for (let after: string | null = null; ; ) {
        const filter = { taskIds: TASK_IDS.slice(0, 1) };
        const page = await reads.list(OWNER, { first: 20, after, filter, order: 'OLDEST_FIRST' });
        found.push(...page.tasks.map(({ ID }) => ID));
        if (!page.hasNextPage) return found;
        after = page.resumeAfter ?? page.tasks.at(-1)?.ID ?? null;
      }
    };
    const expected = ids.filter((_, index) => index % 2 === 0);
    expect(await list()).toEqual(expected);
    await fillTaskIds(database);
    expect(await database.read('SELECT DISTINCT task_id AS id FROM recorded_tasks ORDER BY task_id')).toEqual(
      TASK_IDS.toSorted().map((id) => ({ id })),
    );
    expect(await list()).toEqual(expected);
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
