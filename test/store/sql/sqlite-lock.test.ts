import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Database } from '../../../src/store/sql/database.ts';
import { openSqlite } from '../../../src/store/sql/sqlite.ts';
import { openStore } from '../../../src/store/store.ts';
import { holdWriteLock } from '../../support/lock-holder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const LOCKED = { name: 'DatabaseUnavailableError', reason: 'another process keeps it locked', fateUnknown: false };

async function openNotes(path: string, lockTimeoutMs?: number): Promise<Database> {
  const database = await openSqlite(path, lockTimeoutMs === undefined ? {} : { lockTimeoutMs });
  onTestFinished(() => database.close());
  await database.transaction((transaction) => transaction.write('CREATE TABLE IF NOT EXISTS notes (text TEXT)'));
  return database;
}

function note(database: Database, text: string): Promise<void> {
  return database.transaction((transaction) => transaction.insert('notes', ['text'], [[text]]));
}

async function notes(database: Database): Promise<readonly unknown[]> {
  return (await database.read('SELECT text FROM notes ORDER BY rowid')).map(({ text }) => text);
}

function notesPath(): string {
  return join(temporaryFolder(), 'notes.db');
}

/** Counts how often this process runs the statement from now on. */
function countRuns(sql: string): () => number {
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec');
  onTestFinished(() => spy.mockRestore());
  return () => spy.mock.calls.filter(([text]) => text === sql).length;
}

test('while another process writes, reads and the event loop continue, and a write waits', async () => {
  const path = notesPath();
  const database = await openNotes(path);
  const lock = await holdWriteLock(path, "INSERT INTO notes VALUES ('from the other process')");
  const tries = countRuns('BEGIN IMMEDIATE');
  const written = note(database, 'own');
  while (tries() < 4) {
    expect(await notes(database)).toEqual([]);
    await nextTurn();
  }
  await lock.release();
  await written;
  expect(await notes(database)).toEqual(['from the other process', 'own']);
});

test('a write fails after the lock time-out, and the next write fails without waiting again', async () => {
  const path = notesPath();
  const database = await openNotes(path, 200);
  const lock = await holdWriteLock(path);
  const tries = countRuns('BEGIN IMMEDIATE');
  await expect(note(database, 'first')).rejects.toMatchObject(LOCKED);
  const triesOfFirst = tries();
  expect(triesOfFirst).toBeGreaterThan(1);
  await expect(note(database, 'second')).rejects.toMatchObject(LOCKED);
  expect(tries()).toBe(triesOfFirst + 1);
  await lock.release();
  await note(database, 'third');
  expect(await notes(database)).toEqual(['third']);
});

test('closing the database waits for a write that waits for a lock', async () => {
  const path = notesPath();
  const database = await openNotes(path);
  const lock = await holdWriteLock(path);
  const tries = countRuns('BEGIN IMMEDIATE');
  const written = note(database, 'own');
  const closed = database.close();
  while (tries() < 2) await nextTurn();
  await lock.release();
  await Promise.all([written, closed]);
  expect(await notes(await openNotes(path))).toEqual(['own']);
});

test('opening a store waits for the lock of another process', async () => {
  const path = notesPath();
  await openNotes(path);
  const lock = await holdWriteLock(path);
  const tries = countRuns('BEGIN IMMEDIATE');
  const opening = openStore({ databaseUrl: `sqlite:${path}` });
  while (tries() < 2) await nextTurn();
  await lock.release();
  const store = await opening;
  onTestFinished(() => store.close());
  expect(await store.clients.list()).toEqual([]);
});
