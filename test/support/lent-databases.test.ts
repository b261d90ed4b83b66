import { expect, onTestFinished, test } from 'vitest';
import { administer } from './databases.ts';
import { lendDatabase, TABLES } from './lent-databases.ts';
import { REPORT_TASK, sampleCall, sampleStore } from './sample-account.ts';

test('a lent schema of PostgreSQL is empty once its test has ended', async () => {
  let address = '';
  // Hooks run in reverse order, so this one runs after the loan has ended.
  onTestFinished(async () => {
    for (const table of TABLES)
      expect([table, await administer(address, `SELECT * FROM ${table}`)]).toEqual([table, []]);
  });
  const { store, database, databaseUrl } = await sampleStore('PostgreSQL');
  address = databaseUrl;
  await store.tasks.create(REPORT_TASK, { ...(await sampleCall(database)), idempotencyKey: 'a key' });
  expect(await administer(address, 'SELECT 1 FROM idempotency_keys')).toHaveLength(1);
});

test('every table of a lent schema is on the list of those that are emptied', async () => {
  const { database } = await lendDatabase('PostgreSQL');
  const tables = await database.read<{ readonly name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = current_schema() AND table_name <> 'schema_migrations'`,
  );
  expect(tables.map(({ name }) => name).toSorted()).toEqual(TABLES.toSorted());
});

test('a lent database refuses work after it was closed', async () => {
  const { database } = await lendDatabase('PostgreSQL');
  await database.close();
  await expect(database.read('SELECT 1 AS one')).rejects.toThrow('it is closed');
});

test('databases that are lent at once are different ones', async () => {
  const lent = await Promise.all([lendDatabase('PostgreSQL'), lendDatabase('PostgreSQL')]);
  expect(new Set(lent.map(({ databaseUrl }) => databaseUrl)).size).toBe(2);
});
