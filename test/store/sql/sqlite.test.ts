import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Database } from '../../../src/store/sql/database.ts';
import { openSqlite } from '../../../src/store/sql/sqlite.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function openNotes(path = join(temporaryFolder(), 'notes.db')): Promise<Database> {
  const database = await openSqlite(path);
  onTestFinished(() => database.close());
  await database.transaction((transaction) => transaction.write('CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)'));
  return database;
}

test.each([
  ['journal_mode', 'wal'],
  ['synchronous', 2],
  ['foreign_keys', 1],
  ['busy_timeout', 0],
  ['fullfsync', 1],
])('the SQLite connection runs with %s = %s', async (pragma, value) => {
  const database = await openNotes();
  const [row = {}] = await database.read(`PRAGMA ${pragma}`);
  expect(Object.values(row)).toEqual([value]);
});

test('missing folders of the path are created', async () => {
  const path = join(temporaryFolder(), 'a', 'b', 'notes.db');
  await openNotes(path);
  expect(existsSync(path)).toBe(true);
});

test('a read sees nothing of a transaction that is still open', async () => {
  const database = await openNotes();
  const reads: Promise<readonly unknown[]>[] = [];
  await database.transaction(async (transaction) => {
    await transaction.insert('notes', ['id', 'text'], [['1', 'half']]);
    reads.push(database.read('SELECT text FROM notes'));
    await transaction.read('SELECT 1 AS one');
    await transaction.write('UPDATE notes SET text = ?1', ['whole']);
  });
  expect(await Promise.all(reads)).toEqual([[{ text: 'whole' }]]);
});

test('a file that is not a database is refused and stays unchanged', async () => {
  const path = join(temporaryFolder(), 'notes.db');
  const text = 'this is no database at all. '.repeat(100);
  writeFileSync(path, text);
  await expect(openSqlite(path)).rejects.toThrow('the file is not a SQLite database, or it is damaged');
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a folder in place of the file is refused', async () => {
  await expect(openSqlite(temporaryFolder())).rejects.toThrow('the file cannot be opened or created');
});

test('a file in place of the folder is refused', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await expect(openSqlite(join(file, 'notes.db'))).rejects.toThrow('its folder cannot be created');
});

test('a commit of unknown fate keeps it when its rollback fails too, and the next work rolls back', async () => {
  const database = await openNotes();
  const faults = new Map([
    ['COMMIT', 1034],
    ['ROLLBACK', 1],
  ]);
  const faulty = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    const errcode = faults.get(sql);
    if (errcode !== undefined) throw Object.assign(new Error(`no ${sql}`), { errcode });
    this.prepare(sql).run();
  });
  onTestFinished(() => faulty.mockRestore());
  const write = (id: string) =>
    database.transaction((transaction) => transaction.insert('notes', ['id', 'text'], [[id, 'text']]));
  await expect(write('1')).rejects.toMatchObject({ fateUnknown: true, cause: { message: 'no COMMIT' } });
  await expect(database.read('SELECT id FROM notes')).rejects.toThrow('an earlier transaction cannot be rolled back');
  await expect(write('2')).rejects.toMatchObject({ name: 'DatabaseUnavailableError', fateUnknown: false });
  faults.clear();
  expect(await database.read('SELECT id FROM notes')).toEqual([]);
  await write('3');
  expect(await database.read('SELECT id FROM notes')).toEqual([{ id: '3' }]);
});
