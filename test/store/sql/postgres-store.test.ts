import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readAccountTask } from '../../../src/contract/account-task.ts';
import { parseDatabaseAddress } from '../../../src/store/sql/database.ts';
import { createStore, openDatabase, openStore } from '../../../src/store/store.ts';
import { createTaskRecords, toRecord } from '../../../src/store/task-records.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { administer, temporaryPostgres, throughSocket } from '../../support/databases.ts';
import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { createMany, REPORT_TASK, sampleCall, sampleStore, separateStore } from '../../support/sample-account.ts';

const UNWRITABLE = {
  code: 'STORE_UNAVAILABLE',
  outcome: 'NOT_SENT',
  retryable: true,
  message: 'The task store cannot be written at the moment; nothing was stored.',
};

async function unusedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

test.each<readonly [string, (url: URL) => unknown, string]>([
  ['a wrong password', (url) => (url.password = 'not%20the%20password'), 'the user name or the password is wrong'],
  [
    'no password',
    (url) => (url.password = ''),
    'the password is missing, or the server expects another authentication method',
  ],
  ['an unknown user', (url) => (url.username = 'nobody'), 'the user name or the password is wrong'],
  ['a missing database', (url) => (url.pathname = 'missing'), 'there is no such database'],
  ['a refused port', async (url) => (url.port = await unusedPort()), 'the server refuses connections'],
  ['an unknown host', (url) => (url.hostname = 'nowhere.invalid'), 'the name of the server'],
  [
    'TLS that the server does not offer',
    (url) => (url.search = 'sslmode=verify-full'),
    'no trusted TLS connection can be made',
  ],
])('opening a store with %s fails with one line that contains no password', async (_, spoil, reason) => {
  const url = new URL(await temporaryPostgres());
  await spoil(url);
  const failure = await openStore({ databaseUrl: url.href }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  const { message } = failure as Error;
  const name = `postgres://${url.username}@${url.host}${url.pathname}`;
  expect(message).toMatch(`The database "${name}" cannot be opened: ${reason}`);
  expect(message).not.toMatch(/\n|password%20|secret|not%20the/);
});

test.each(['postgres:', 'postgres://[', 'postgres://user:secret@host:port/d', 'mysql://user:secret@host/d'])(
  'the address "%s" is refused in a message that does not repeat it',
  async (databaseUrl) => {
    const failure = await openStore({ databaseUrl }).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/^Error: The database (address must be|"postgres:\/\/" cannot be opened)/);
    expect(String(failure)).not.toContain('secret');
  },
);

test('a database can be reached through its Unix socket', async () => {
  const databaseUrl = await throughSocket(await temporaryPostgres());
  const store = await openStore({ databaseUrl });
  onTestFinished(() => store.close());
  expect(await store.clients.list()).toEqual([]);
});

test.each([
  ['postgres://me:secret@/tasks?host=/run', 'postgres://me@/tasks?host=/run'],
  ['postgres:///tasks?host=/run&user=me&password=secret', 'postgres:///tasks?host=/run'],
  ['postgres://me:secret@%2Frun/tasks', 'postgres://me@%2Frun/tasks'],
  ['postgresql://me:secret@db:5433/tasks?sslmode=require', 'postgres://me@db:5433/tasks'],
])('the name of the address "%s" contains the place but no password', (databaseUrl, name) => {
  expect(parseDatabaseAddress(databaseUrl)).toEqual({ kind: 'postgres', name });
});

test('a database whose encoding cannot represent every character is refused in a message that names the encoding', async () => {
  const databaseUrl = await temporaryPostgres("TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
  await expect(openStore({ databaseUrl })).rejects.toThrow(
    'its encoding is LATIN1, which cannot represent every character',
  );
});

test('a PostgreSQL database of a newer version is refused', async () => {
  const { databaseUrl, store } = await separateStore('PostgreSQL');
  await store.close();
  await administer(databaseUrl, "INSERT INTO schema_migrations VALUES (999, '')");
  await expect(openStore({ databaseUrl })).rejects.toThrow(
    'its schema (version 999) is newer than this program supports',
  );
});

/** Makes all new sessions of the database read-only, or writable again, and ends the existing ones. */
async function makeReadOnly(databaseUrl: string, isReadOnly: boolean): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const server = new URL(databaseUrl);
  server.pathname = 'postgres';
  await administer(server.href, `ALTER DATABASE ${name} SET default_transaction_read_only = ${isReadOnly}`);
  await administer(
    server.href,
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
}

/** Starts or stops failing every write of a task as on a full disk. */
async function fillDisk(databaseUrl: string, isFull: boolean): Promise<void> {
  const raise = "BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END";
  await administer(
    databaseUrl,
    isFull
      ? `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $f$ ${raise} $f$;
         CREATE TRIGGER full_disk BEFORE INSERT ON account_tasks EXECUTE FUNCTION fail()`
      : 'DROP TRIGGER full_disk ON account_tasks',
  );
}

test.each([
  ['a full disk', 'the disk is full', fillDisk],
  ['a database turned read-only', 'it is read-only', makeReadOnly],
])('%s fails every create and stores nothing, and creates work again afterwards', async (_, reason, setFault) => {
  const databaseUrl = await temporaryPostgres();
  const database = await openDatabase(databaseUrl);
  const store = createStore(database);
  onTestFinished(() => store.close());
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  const call = await sampleCall(database);
  const kept = await store.tasks.create(REPORT_TASK, call);
  await setFault(databaseUrl, true);

  const results = await Promise.allSettled([REPORT_TASK, REPORT_TASK].map((task) => store.tasks.create(task, call)));
  const rejection = { status: 'rejected', reason: { ...UNWRITABLE, cause: { reason } } };
  expect(results).toMatchObject([rejection, rejection]);
  const during = await store.tasks.list({ first: 10, after: null }, call);
  expect(during.tasks).toEqual([kept.accountTask]);

  await setFault(databaseUrl, false);
  const later = await store.tasks.create(REPORT_TASK, call);
  const after = await store.tasks.list({ first: 10, after: null }, call);
  expect(after.tasks).toEqual([later.accountTask, kept.accountTask]);
});

test('a record whose ID is too long for an index is refused, and other records are stored', async () => {
  const { database } = await sampleStore('PostgreSQL');
  const unwritten: unknown[] = [];
  const onUnwritten = (error: unknown) => unwritten.push(error);
  const records = createTaskRecords({ database, maxPending: 10, onUnwritten });
  onTestFinished(() => records.close());
  const task = readAccountTask(SAMPLE_DETAIL, 'Detail');
  if ('at' in task) throw new Error(task.at);
  const add = (ID: string) => records.write(toRecord({ scope: 'a', credential: null }, { ...task, ID }));
  const long = randomBytes(10_000).toString('base64');
  await Promise.all([add(long), add(SAMPLE_DETAIL.ID)]);
  expect(unwritten).toMatchObject([{ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }]);
  expect(await records.find({ scope: 'a', credential: null }, [SAMPLE_DETAIL.ID])).toMatchObject([
    { ID: SAMPLE_DETAIL.ID },
  ]);
  await expect(records.find({ scope: 'a', credential: null }, ['\0'])).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    outcome: 'NOT_SENT',
  });
});

test('a task that breaks its transaction does not fail other tasks', async () => {
  const { store, database } = await sampleStore('PostgreSQL');
  const call = await sampleCall(database);
  const impossible = store.tasks.create({ ...REPORT_TASK, Parameters: '\0' }, call);
  const [failure, created] = await Promise.allSettled([impossible, createMany(store, call, 3)]);
  expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' } });
  expect(created).toMatchObject({ status: 'fulfilled' });
  expect((await store.tasks.list({ first: 10, after: null }, call)).tasks).toHaveLength(3);
});
