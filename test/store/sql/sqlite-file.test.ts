import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/store.ts';
import { bytesIn, temporaryFolder } from '../../support/temporary-folder.ts';

/** Creates a closed SQLite file of another program in its own folder. */
function createFile(sql: string): { readonly path: string; readonly folder: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'other.db');
  const handle = new DatabaseSync(path);
  handle.exec(sql);
  handle.close();
  return { path, folder };
}

test.each([
  ['tables', 'CREATE TABLE clients (name TEXT)'],
  ['tables in write-ahead logging', 'PRAGMA journal_mode = WAL; CREATE TABLE songs (name TEXT)'],
  ['another kind of migrations table', 'CREATE TABLE schema_migrations (version TEXT)'],
  ['another application ID', 'PRAGMA application_id = 42'],
  [
    'another application ID and our table',
    'PRAGMA application_id = 42; CREATE TABLE schema_migrations (number, applied_at)',
  ],
])('a file of another program with %s is refused and stays unchanged', async (_, sql) => {
  const { path, folder } = createFile(sql);
  const before = bytesIn(folder);
  await expect(openStore({ databaseUrl: `sqlite:${path}` })).rejects.toThrow(
    `The database "${path}" cannot be opened: the file belongs to another program`,
  );
  expect(bytesIn(folder).equals(before)).toBe(true);
});

test.each(['in use', 'left by a crash'])(
  'a file of another program that is %s is refused, and its log stays unchanged',
  async (how) => {
    const { path } = createFile('PRAGMA journal_mode = WAL');
    const other = new DatabaseSync(path);
    onTestFinished(() => other.close());
    // The table is only in the log.
    other.exec('CREATE TABLE songs (name TEXT)');
    const left = join(temporaryFolder(), 'other.db');
    for (const suffix of ['', '-wal']) copyFileSync(path + suffix, left + suffix);
    const file = how === 'in use' ? path : left;
    const content = () => ['', '-wal'].map((suffix) => readFileSync(file + suffix).toString('base64'));
    const before = content();
    await expect(openStore({ databaseUrl: `sqlite:${file}` })).rejects.toThrow('the file belongs to another program');
    expect(content()).toEqual(before);
  },
);

test.each([
  ['an empty file', ''],
  [
    'a file of an older version, which has no application ID,',
    'CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)',
  ],
])('%s is opened and gets our application ID', async (_, sql) => {
  const { path } = createFile(sql);
  await (await openStore({ databaseUrl: `sqlite:${path}` })).close();
  const handle = new DatabaseSync(path, { readOnly: true });
  expect(handle.prepare('PRAGMA application_id').get()).toEqual({ application_id: 0x41544757 });
  handle.close();
});
