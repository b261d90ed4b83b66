import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/store.ts';
import { bytesIn, temporaryFolder } from '../../support/temporary-folder.ts';

/** A file that another program made and closed, and the folder that it is alone in. */
function makeFile(sql: string): { readonly path: string; readonly folder: string } {
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
  ['a table of migrations of another kind', 'CREATE TABLE schema_migrations (version TEXT)'],
  ['a mark of its own', 'PRAGMA application_id = 42'],
  [
    'a mark of its own and our table',
    'PRAGMA application_id = 42; CREATE TABLE schema_migrations (number, applied_at)',
  ],
])('a file of another program with %s is refused, and nothing of it changes', async (_, sql) => {
  const { path, folder } = makeFile(sql);
  const before = bytesIn(folder);
  await expect(openStore({ databaseUrl: `sqlite:${path}` })).rejects.toThrow(
    `The database "${path}" cannot be opened: the file belongs to another program`,
  );
  expect(bytesIn(folder).equals(before)).toBe(true);
});

test.each(['in use', 'left by a crash'])(
  'a file of another program that is %s is refused, and its log stays',
  async (how) => {
    const { path } = makeFile('PRAGMA journal_mode = WAL');
    const other = new DatabaseSync(path);
    onTestFinished(() => other.close());
    // It stands in the log alone.
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
    'a file of an older version, which has no mark,',
    'CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)',
  ],
])('%s is taken and marked', async (_, sql) => {
  const { path } = makeFile(sql);
  await (await openStore({ databaseUrl: `sqlite:${path}` })).close();
  const handle = new DatabaseSync(path, { readOnly: true });
  expect(handle.prepare('PRAGMA application_id').get()).toEqual({ application_id: 0x41544757 });
  handle.close();
});
