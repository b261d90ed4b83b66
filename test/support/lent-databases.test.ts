import { expect, test } from 'vitest';
import { lendDatabase, TABLES } from './lent-databases.ts';
import { REPORT_TASK, sampleCall, sampleStore } from './sample-account.ts';

const lentBefore: string[] = [];

test('a database that is lent can be filled', async () => {
  const { store, database, databaseUrl } = await sampleStore('PostgreSQL');
  const { replayed } = await store.tasks.create(REPORT_TASK, {
    ...(await sampleCall(database)),
    idempotencyKey: 'a key',
  });
  expect(replayed).toBe(false);
  lentBefore.push(databaseUrl);
});

test('a database that was lent before is empty again, and refuses work after it was closed', async () => {
  const { database, databaseUrl } = await lendDatabase('PostgreSQL');
  expect(lentBefore).toEqual([databaseUrl]);
  const tables = await database.read<{ readonly name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = current_schema() AND table_name <> 'schema_migrations'`,
  );
  expect(tables.map(({ name }) => name).toSorted()).toEqual(TABLES.toSorted());
  for (const { name } of tables) expect([name, await database.read(`SELECT * FROM ${name}`)]).toEqual([name, []]);
  await database.close();
  await expect(database.read('SELECT 1 AS one')).rejects.toThrow('it is closed');
});

test('databases that are lent at once are different ones', async () => {
  const lent = await Promise.all([lendDatabase('PostgreSQL'), lendDatabase('PostgreSQL')]);
  expect(new Set(lent.map(({ databaseUrl }) => databaseUrl)).size).toBe(2);
});
