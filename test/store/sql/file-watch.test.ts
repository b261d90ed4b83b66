import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createStore, openDatabase, openStore } from '../../../src/store/store.ts';
import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { sampleCall, REPORT_TASK } from '../../support/sample-account.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const UNUSABLE = { code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' };

/** Opens a store with a task in its own folder. Each `check` advances the clock, so that the files are checked again. */
async function openSample() {
  const path = join(temporaryFolder(), 'data', 'gateway.db');
  const database = await openDatabase(`sqlite:${path}`);
  const store = createStore(database);
  onTestFinished(() => store.close());
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
  const call = await sampleCall(database);
  const create = () => store.tasks.create(REPORT_TASK, call);
  await create();
  const realNow = performance.now.bind(performance);
  let passedMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => realNow() + passedMs);
  onTestFinished(() => clock.mockRestore());
  const check = async () => {
    passedMs += 2_000;
    return store.tasks.checks['database']?.();
  };
  return { path, check, create };
}

/** Creates another database of this program and returns its path. */
async function otherDatabase(): Promise<string> {
  const path = join(temporaryFolder(), 'other.db');
  await (await openStore({ databaseUrl: `sqlite:${path}` })).close();
  return path;
}

function checkpoint(path: string, sql = ''): void {
  const outside = new DatabaseSync(path);
  outside.exec(sql);
  expect(outside.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
  outside.close();
}

function replaceFolder(path: string): void {
  const folder = dirname(path);
  const away = join(temporaryFolder(), 'away');
  renameSync(folder, away);
  mkdirSync(folder);
  for (const name of readdirSync(away)) copyFileSync(join(away, name), join(folder, name));
}

/** Replaces the folder by a link to itself: access to the files then fails with ELOOP. */
function replaceFolderByLoop(path: string): void {
  const folder = dirname(path);
  renameSync(folder, join(temporaryFolder(), 'away'));
  symlinkSync(folder, folder);
}

test.each<readonly [string, (path: string) => void | Promise<void>, string]>([
  ['the file is removed', (path) => rmSync(path), 'removed or replaced'],
  ['the write-ahead log is removed', (path) => rmSync(`${path}-wal`), 'removed or replaced'],
  ['the index of the log is removed', (path) => rmSync(`${path}-shm`), 'removed or replaced'],
  ['the folder is removed', (path) => rmSync(dirname(path), { recursive: true }), 'removed or replaced'],
  ['the folder is replaced by a copy', replaceFolder, 'removed or replaced'],
  ['the folder is replaced by a link to itself', replaceFolderByLoop, 'cannot be inspected'],
  [
    'another database takes the place of the file',
    async (path) => renameSync(await otherDatabase(), path),
    'removed or replaced',
  ],
  [
    'another database is written over the file',
    async (path) => copyFileSync(await otherDatabase(), path),
    'removed or replaced',
  ],
  [
    'a database of another program is written over the file',
    (path) => {
      const other = join(temporaryFolder(), 'other.db');
      const handle = new DatabaseSync(other);
      handle.exec('CREATE TABLE songs (name TEXT)');
      handle.close();
      copyFileSync(other, path);
    },
    'removed or replaced',
  ],
  [
    'a text is written over the file',
    (path) => writeFileSync(path, 'A letter. '.repeat(9_000)),
    'not a SQLite database',
  ],
  ['the file is emptied', (path) => truncateSync(path), 'truncated'],
  [
    'the file loses pages that are not in the log',
    (path) => {
      checkpoint(path);
      truncateSync(path, 8_192);
    },
    'truncated',
  ],
  ['the log loses its end', (path) => truncateSync(`${path}-wal`, 4_096), 'truncated'],
])('the check fails and creates are not stored when %s', async (_, spoil, how) => {
  const { path, check, create } = await openSample();
  await spoil(path);
  await expect(check()).rejects.toMatchObject({ ...UNUSABLE, message: expect.stringContaining(how) as string });
  await expect(create()).rejects.toMatchObject(UNUSABLE);
  await expect(check()).rejects.toMatchObject(UNUSABLE);
});

test('a database that shrinks and grows regularly stays in use', async () => {
  const { path, check, create } = await openSample();
  const filler = "CREATE TABLE filler (text TEXT); INSERT INTO filler VALUES (printf('%.*c', 1000000, 'x'))";
  checkpoint(path, filler);
  await check();
  checkpoint(path, 'DROP TABLE filler; VACUUM');
  // The new tasks are only in the log.
  for (let creates = 0; creates < 50; creates += 1) await create();
  expect(await check()).toBe('ok');
  expect(await create()).toMatchObject({ replayed: false });
});

test('files that are moved back to their place are used again', async () => {
  const { path, check, create } = await openSample();
  const away = join(temporaryFolder(), 'away');
  renameSync(dirname(path), away);
  await expect(check()).rejects.toMatchObject(UNUSABLE);
  renameSync(away, dirname(path));
  expect(await check()).toBe('ok');
  expect(await create()).toMatchObject({ replayed: false });
});
