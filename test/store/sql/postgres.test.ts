import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Database, DatabaseUnavailableError, type SqlTransaction } from '../../../src/store/sql/database.ts';
import { openPostgres } from '../../../src/store/sql/postgres.ts';
import { type Cut, startCuttingProxy } from './connection-cutter.ts';
import { administer, openTemporary, emptyDatabase, temporaryPostgres } from '../../support/databases.ts';

async function openNotes(address = emptyDatabase('PostgreSQL')) {
  const databaseUrl = await address;
  const database = await openTemporary(databaseUrl);
  await database.transaction((transaction) => transaction.write('CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)'));
  return { database, databaseUrl };
}

function insertNote(id: string): (transaction: SqlTransaction) => Promise<void> {
  return (transaction) => transaction.insert('notes', ['id'], [[id]]);
}

async function noteIds(database: Database): Promise<readonly unknown[]> {
  return (await database.read('SELECT id FROM notes ORDER BY id')).map(({ id }) => id);
}

/** Terminates the session of the transaction, as an administrator can. */
async function endSession(transaction: SqlTransaction, databaseUrl: string): Promise<void> {
  const [row] = await transaction.read<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await administer(databaseUrl, `SELECT pg_terminate_backend(${row!.pid}, 5000)`);
}

test.each([
  ['application_name', 'account-task-gateway'],
  ['statement_timeout', '10s'],
  ['idle_in_transaction_session_timeout', '30s'],
  ['synchronous_commit', 'on'],
])('a session runs with %s = %s', async (name, value) => {
  const { database } = await openNotes();
  expect(await database.read('SELECT current_setting(?1) AS value', [name])).toEqual([{ value }]);
});

test('commits are durable even if the database turns synchronous_commit off', async () => {
  const databaseUrl = await temporaryPostgres();
  const name = new URL(databaseUrl).pathname.slice(1);
  await administer(databaseUrl, `ALTER DATABASE ${name} SET synchronous_commit = off`);
  const database = await openTemporary(databaseUrl);
  const setting = "SELECT current_setting('synchronous_commit') AS value";
  expect(await administer(databaseUrl, setting)).toEqual([{ value: 'off' }]);
  expect(await database.read(setting)).toEqual([{ value: 'on' }]);
});

test('text is ordered by its bytes even if the collation of the database sorts "aa" after "z"', async () => {
  const danish = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'da-DK'";
  const database = await openTemporary(await temporaryPostgres(danish));
  const inDanish = 'SELECT text FROM unnest(?1::text[]) AS texts (text) ORDER BY text';
  expect(await database.read(inDanish, [['z', 'aa']])).toEqual([{ text: 'z' }, { text: 'aa' }]);
  await database.transaction(async (transaction) => {
    await transaction.write('CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)');
    for (const id of ['z', 'aa', 'b']) await insertNote(id)(transaction);
  });
  expect(await noteIds(database)).toEqual(['aa', 'b', 'z']);
  expect(await database.read('SELECT id FROM notes WHERE id < ?1', ['b'])).toEqual([{ id: 'aa' }]);
});

test('reads beyond maxReads fail at once, writes do not, and there is room again when the reads are done', async () => {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const database = await openPostgres(databaseUrl, { maxReads: 3 });
  onTestFinished(() => database.close());
  await database.transaction((transaction) => transaction.write('CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)'));
  const reads = Promise.allSettled(Array.from({ length: 5 }, () => noteIds(database)));
  await database.transaction(insertNote('1'));
  const tooMany = {
    status: 'rejected',
    reason: { name: 'DatabaseUnavailableError', reason: 'too many reads are waiting for it' },
  };
  const done = { status: 'fulfilled' };
  expect(await reads).toMatchObject([done, done, done, tooMany, tooMany]);
  expect(await noteIds(database)).toEqual(['1']);
});

test('a statement is prepared once per connection', async () => {
  const { database } = await openNotes();
  await database.transaction(async (transaction) => {
    for (const id of ['1', '2', '3']) await insertNote(id)(transaction);
    const prepared = await transaction.read("SELECT name FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'");
    expect(prepared).toHaveLength(1);
  });
});

test('a read sees nothing of a transaction that is still open, and does not wait for it', async () => {
  const { database } = await openNotes();
  await database.transaction(async (transaction) => {
    await insertNote('1')(transaction);
    expect(await noteIds(database)).toEqual([]);
  });
  expect(await noteIds(database)).toEqual(['1']);
});

test('serializable transactions that conflict run one after the other', async () => {
  const { database } = await openNotes();
  const met = Promise.withResolvers<void>();
  let runs = 0;
  const addCount = () =>
    database.transaction(async (transaction) => {
      await transaction.write('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      const [row] = await transaction.read<{ count: number }>('SELECT COUNT(*) AS count FROM notes');
      runs += 1;
      if (runs === 2) met.resolve();
      await met.promise;
      await insertNote(`after ${row!.count}`)(transaction);
    });
  await Promise.all([addCount(), addCount()]);
  expect(await noteIds(database)).toEqual(['after 0', 'after 1']);
  expect(runs).toBe(3);
});

test('transactions in a deadlock run one after the other', async () => {
  const { database } = await openNotes();
  await database.transaction((transaction) =>
    transaction.insert(
      'notes',
      ['id', 'text'],
      [
        ['a', ''],
        ['b', ''],
      ],
    ),
  );
  const met = Promise.withResolvers<void>();
  let runs = 0;
  const update = (...ids: readonly string[]) =>
    database.transaction(async (transaction) => {
      await transaction.write("SET LOCAL deadlock_timeout = '1ms'");
      for (const [index, id] of ids.entries()) {
        await transaction.write('UPDATE notes SET text = text || ?1 WHERE id = ?2', [ids[0]!, id]);
        if (index > 0) continue;
        runs += 1;
        if (runs === 2) met.resolve();
        await met.promise;
      }
    });
  await Promise.all([update('a', 'b'), update('b', 'a')]);
  expect(runs).toBe(3);
  const texts = await database.read<{ text: string }>('SELECT text FROM notes');
  expect(texts.map(({ text }) => text.split('').toSorted().join(''))).toEqual(['ab', 'ab']);
});

test('work runs again when another transaction inserts the same row first, and then sees that row', async () => {
  const { database } = await openNotes();
  let runs = 0;
  const inserted = database.transaction(async (transaction) => {
    runs += 1;
    const rows = await transaction.read("SELECT id FROM notes WHERE id = '1'");
    if (rows.length > 0) return 'already there';
    await database.transaction(insertNote('1'));
    await insertNote('1')(transaction);
    return 'inserted';
  });
  expect(await inserted).toBe('already there');
  expect(runs).toBe(2);
});

test.each([
  ['between two statements', endSession],
  [
    'in a statement',
    (transaction: SqlTransaction) => transaction.read('SELECT pg_terminate_backend(pg_backend_pid())'),
  ],
])('a transaction whose session is terminated %s runs again', async (_, end) => {
  const { database, databaseUrl } = await openNotes();
  let runs = 0;
  await database.transaction(async (transaction) => {
    runs += 1;
    await insertNote(`run ${runs}`)(transaction);
    if (runs === 1) await end(transaction, databaseUrl);
  });
  expect(await noteIds(database)).toEqual(['run 2']);
});

test('an idle session that is terminated is replaced', async () => {
  const { database, databaseUrl } = await openNotes(temporaryPostgres());
  const { pathname } = new URL(databaseUrl);
  const others = `datname = '${pathname.slice(1)}' AND pid <> pg_backend_pid()`;
  const ended = await administer(
    databaseUrl,
    `SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity WHERE ${others}`,
  );
  expect(ended).toEqual([{ ended: true }]);
  await database.transaction(insertNote('1'));
  expect(await noteIds(database)).toEqual(['1']);
});

test.each<readonly [Cut, readonly string[]]>([
  ['before it arrives', ['0', '2']],
  ['before it is answered', ['0', '1', '2']],
])('a commit whose connection is lost %s has an unknown fate, and the next commit works', async (when, stored) => {
  const { database: direct, databaseUrl } = await openNotes();
  const proxy = await startCuttingProxy(databaseUrl);
  const database = await openTemporary(proxy.databaseUrl);
  await database.transaction(insertNote('0'));
  proxy.cut(when);
  let runs = 0;
  const commit = database.transaction((transaction) => {
    runs += 1;
    return insertNote('1')(transaction);
  });
  await expect(commit).rejects.toMatchObject({ fateUnknown: true, reason: 'the connection was lost' });
  expect(runs).toBe(1);
  await database.transaction(insertNote('2'));
  expect(await noteIds(direct)).toEqual(stored);
});

test('a statement that exceeds its time-out is cancelled, and its connection is used again', async () => {
  const { database } = await openNotes();
  const pids = new Set<unknown>();
  const keepPid = async (transaction: SqlTransaction) =>
    void pids.add((await transaction.read('SELECT pg_backend_pid() AS pid'))[0]?.pid);
  const slow = database.transaction(async (transaction) => {
    await keepPid(transaction);
    await insertNote('1')(transaction);
    await transaction.write("SET LOCAL statement_timeout = '1ms'");
    await transaction.read('SELECT pg_sleep(60)');
  });
  await expect(slow).rejects.toMatchObject({ reason: 'it took too long', fateUnknown: false });
  await database.transaction(keepPid);
  expect(pids.size).toBe(1);
  expect(await noteIds(database)).toEqual([]);
});

test('a transaction that continues after a failed statement is not reported as committed', async () => {
  const { database } = await openNotes();
  const careless = database.transaction(async (transaction) => {
    await insertNote('1')(transaction);
    await transaction.write('INSERT INTO nowhere VALUES (1)').catch(() => undefined);
  });
  await expect(careless).rejects.toThrow('continued after one of its statements had failed');
  expect(await noteIds(database)).toEqual([]);
});

test('connecting to a server that never answers times out', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = `postgres://u@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
  const failure = await openPostgres(address, { connectTimeoutMs: 20 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DatabaseUnavailableError);
  expect(failure).toMatchObject({ reason: 'the server does not answer', fateUnknown: false });
});
