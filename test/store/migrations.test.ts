import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { migrate, type Migration } from '../../src/store/migrations.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { temporaryFolder } from './temporary-folder.ts';

const FIRST: Migration = { number: 1, statements: ['CREATE TABLE one (id TEXT)'] };

function openEmpty(): Database {
  const database = openSqlite(join(temporaryFolder(), 'empty.db'));
  onTestFinished(() => database.close());
  return database;
}

async function tables(database: Database): Promise<readonly unknown[]> {
  const rows = await database.read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  return rows.map(({ name }) => name);
}

test('the schema is made once, and migrating again changes nothing', async () => {
  const database = openEmpty();
  await migrate(database);
  const applied = await database.read('SELECT * FROM schema_migrations');
  expect(await tables(database)).toEqual(['account_tasks', 'catalogue', 'clients', 'schema_migrations', 'tokens']);
  await migrate(database);
  expect(await database.read('SELECT * FROM schema_migrations')).toEqual(applied);
});

test('a page of an account is read from an index, without sorting', async () => {
  const database = openEmpty();
  await migrate(database);
  const plan = await database.read(
    'EXPLAIN QUERY PLAN SELECT * FROM account_tasks WHERE account_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT 5',
    ['a', 'b'],
  );
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('USING INDEX sqlite_autoindex_account_tasks_1 (account_id=? AND id<?)'),
  ]);
});

test('a step that fails leaves the steps before it and nothing of its own', async () => {
  const database = openEmpty();
  const broken = { number: 2, statements: ['CREATE TABLE two (id TEXT)', 'CREATE TABLE nonsense'] };
  await expect(migrate(database, [FIRST, broken])).rejects.toThrow('incomplete input');
  expect(await tables(database)).toEqual(['one', 'schema_migrations']);
  await migrate(database, [FIRST, { number: 2, statements: ['CREATE TABLE two (id TEXT)'] }]);
  expect(await tables(database)).toEqual(['one', 'schema_migrations', 'two']);
});

test('a schema that is newer than the program is refused', async () => {
  const database = openEmpty();
  await migrate(database, [FIRST, { number: 2, statements: [] }]);
  await expect(migrate(database, [FIRST])).rejects.toThrow(
    'its schema (version 2) is newer than this program knows (version 1)',
  );
});
