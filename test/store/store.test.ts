import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { createStore, openDatabase, openStore } from '../../src/store/store.ts';
import { damageTable, makeReadOnly } from '../support/damaged-file.ts';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { callOf, REPORT_TASK, sampleCall } from '../support/sample-account.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Creates the file of a closed store with one task. */
async function closedStore() {
  const path = join(temporaryFolder(), 'gateway.db');
  const database = await openDatabase(`sqlite:${path}`);
  const store = createStore(database);
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  const call = await sampleCall(database);
  const { token } = await store.tokens.issue({ accountId: (await store.clients.list())[0]!.accountId, clientId: null });
  const { accountTask } = await store.tasks.create(REPORT_TASK, call);
  await store.close();
  return { path, call, token, accountTask };
}

test('closing a store leaves the whole database in one file', async () => {
  const { path, call, accountTask } = await closedStore();
  expect(existsSync(`${path}-wal`)).toBe(false);
  const store = await openStore({ databaseUrl: `sqlite:${path}` });
  expect(await store.tasks.find([accountTask.ID], call)).toEqual([accountTask]);
  await store.tasks.close();
  await store.close();
});

test('closing a store finishes pending creates first', async () => {
  const { path, call } = await closedStore();
  const store = await openStore({ databaseUrl: `sqlite:${path}` });
  const creating = store.tasks.create(REPORT_TASK, call);
  await store.tasks.close();
  const { accountTask } = await creating;
  const reopened = await openStore({ databaseUrl: `sqlite:${path}` });
  expect(await reopened.tasks.find([accountTask.ID], call)).toEqual([accountTask]);
  await reopened.close();
});

test('a store in memory works and creates no file', async () => {
  const store = await openStore({ databaseUrl: 'sqlite::memory:' });
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  const { client } = await store.clients.create({ name: 'A client' });
  const call = callOf(client.accountId, client.id);
  const { accountTask } = await store.tasks.create(REPORT_TASK, call);
  expect(await store.tasks.find([accountTask.ID], call)).toEqual([accountTask]);
  await store.close();
  expect(existsSync(':memory:')).toBe(false);
});

test.each(['', 'sqlite:', 'gateway.db', 'mysql://user:password@host/db'])(
  'the address "%s" is refused in a message that does not repeat it',
  async (databaseUrl) => {
    await expect(openStore({ databaseUrl })).rejects.toThrow(
      /^The database address must be sqlite:<path of a file>, sqlite::memory: or postgres:[^ ]*\.$/,
    );
  },
);

test.each<readonly [string, (path: string) => void, string]>([
  ['not a database', (path) => writeFileSync(path, 'no database '.repeat(500)), 'the file is not a SQLite database'],
  ['damaged', (path) => damageTable(path, 'schema_migrations'), 'the file is damaged'],
  ['read-only', makeReadOnly, 'the file is read-only'],
  ['of a newer version', addNewerMigration, 'its schema (version 999) is newer than this program supports'],
])(
  'opening a file that is %s fails with one line that names it, and leaves the file unchanged',
  async (_, spoil, reason) => {
    const { path } = await closedStore();
    spoil(path);
    const before = readFileSync(path);
    const failure = await openStore({ databaseUrl: `sqlite:${path}` }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    const { message } = failure as Error;
    expect(message).toContain(`The database "${path}" cannot be opened: ${reason}`);
    expect(message).not.toContain('\n');
    expect(readFileSync(path).equals(before)).toBe(true);
  },
);

test('the readiness check passes for an open store and fails for a closed one', async () => {
  const store = await openStore({ databaseUrl: 'sqlite::memory:' });
  expect(await store.tasks.checks.database?.()).toBe('ok');
  await store.close();
  await expect(store.tasks.checks.database?.()).rejects.toThrow('it is closed');
});

test('damaged tables fail only the reads that need them', async () => {
  const { path, call, token, accountTask } = await closedStore();
  damageTable(path, 'account_tasks');
  damageTable(path, 'tokens');
  const store = await openStore({ databaseUrl: `sqlite:${path}` });
  const unreadable = {
    code: 'STORE_UNAVAILABLE',
    outcome: 'NOT_SENT',
    message: 'The task store cannot be read at the moment.',
    cause: { reason: 'the file is damaged' },
  };
  await expect(store.tasks.find([accountTask.ID], call)).rejects.toMatchObject(unreadable);
  await expect(store.tasks.list({ first: 1, after: null }, call)).rejects.toMatchObject(unreadable);
  await expect(Promise.resolve(store.tokens.verify(token))).rejects.toMatchObject(unreadable);
  expect(await store.catalogue.list()).toHaveLength(1);
  await store.close();
});

function addNewerMigration(path: string): void {
  const handle = new DatabaseSync(path);
  handle.exec("INSERT INTO schema_migrations VALUES (999, '')");
  handle.close();
}
