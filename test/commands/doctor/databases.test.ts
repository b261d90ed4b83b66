import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { examineSqlite } from '../../../src/commands/doctor/sqlite-examination.ts';
import { NEWEST_MIGRATION } from '../../../src/store/sql/migrations.ts';
import { openStore } from '../../../src/store/store.ts';
import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { damageTable, makeReadOnly } from '../../support/damaged-file.ts';
import {
  administer,
  DATABASES,
  openTemporary,
  temporaryDatabase,
  temporaryPostgres,
  throughSocket,
} from '../../support/databases.ts';
import { bytesIn, temporaryFolder } from '../../support/temporary-folder.ts';
import { examined, statesOf } from './findings.ts';

async function seeded(databaseUrl: string): Promise<string> {
  const store = await openStore({ databaseUrl });
  await store.clients.create({ name: 'test' });
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
  await store.close();
  return databaseUrl;
}

async function migrated(databaseUrl: string): Promise<string> {
  await (await openStore({ databaseUrl })).close();
  return databaseUrl;
}

/** Runs a statement over a schema that is already there. */
async function write(databaseUrl: string, sql: string): Promise<void> {
  const database = await openTemporary(databaseUrl);
  await database.transaction((transaction) => transaction.write(sql));
  await database.close();
}

describe.each(DATABASES)('a database in %s', (kind) => {
  test('that is in order is ok in everything', async () => {
    const findings = await examined({ DATABASE_URL: await seeded(await temporaryDatabase(kind)) });
    expect(findings['database']).toMatchObject({ state: 'ok' });
    expect(findings['schema']).toMatchObject({ state: 'ok', fact: `version ${NEWEST_MIGRATION}, the newest` });
    expect(findings['store']).toMatchObject({ state: 'ok', fact: '1 client, 1 task in the catalogue' });
  });

  test('that is empty is ok: the start makes the tables', async () => {
    const findings = await examined({ DATABASE_URL: await temporaryDatabase(kind) });
    expect(findings['database']).toMatchObject({ state: 'ok' });
    expect(findings['schema']?.fact ?? 'empty').toContain('empty');
  });

  test('without a client lets nobody create, and says how to make one', async () => {
    const { store } = await examined({ DATABASE_URL: await migrated(await temporaryDatabase(kind)) });
    expect(store).toMatchObject({ state: 'warning', remedy: 'npm run cli -- client create --name NAME' });
  });

  test('whose only client was revoked is as one without', async () => {
    const databaseUrl = await seeded(await temporaryDatabase(kind));
    const store = await openStore({ databaseUrl });
    for (const { id } of await store.clients.list()) await store.clients.revoke(id);
    await store.close();
    const findings = await examined({ DATABASE_URL: databaseUrl });
    expect(findings['store']?.fact).toBe('0 clients, 1 task in the catalogue: nothing can be created yet');
  });

  test('that only records need have no clients', async () => {
    const DATABASE_URL = await migrated(await temporaryDatabase(kind));
    const states = await statesOf({ DATABASE_URL, UPSTREAM_URL: 'http://127.0.0.1:9/' });
    expect(states).toMatchObject({ database: 'ok', schema: 'ok' });
    expect(states['store']).toBeUndefined();
  });

  test('of a newer program is broken', async () => {
    const DATABASE_URL = await migrated(await temporaryDatabase(kind));
    await write(DATABASE_URL, `INSERT INTO schema_migrations VALUES (${NEWEST_MIGRATION + 7}, 'later')`);
    const { schema } = await examined({ DATABASE_URL });
    expect(schema).toMatchObject({ state: 'broken', remedy: 'Run the newer program; migrations only go forward.' });
    expect(schema?.fact).toContain(`version ${NEWEST_MIGRATION + 7} is newer`);
  });

  test('of an older program is ok: the start brings it up to date', async () => {
    const DATABASE_URL = await migrated(await temporaryDatabase(kind));
    await write(DATABASE_URL, `DELETE FROM schema_migrations WHERE number > 1`);
    const { schema } = await examined({ DATABASE_URL });
    expect(schema).toMatchObject({
      state: 'ok',
      fact: `version 1; the start brings it to version ${NEWEST_MIGRATION}`,
    });
  });

  test('that is somebody else’s is a warning', async () => {
    const DATABASE_URL = await temporaryDatabase(kind);
    await write(DATABASE_URL, 'CREATE TABLE songs (name TEXT)');
    const { schema } = await examined({ DATABASE_URL });
    expect(schema).toMatchObject({ state: 'warning', fact: 'it holds 1 table of others' });
  });
});

function inFolder(): string {
  return join(temporaryFolder(), 'gateway.db');
}

describe('a SQLite file', () => {
  test.each<readonly [string, (path: string) => unknown, string]>([
    ['is no database', (path) => writeFileSync(path, 'A letter. '.repeat(500)), 'the file is not a SQLite database'],
    ['is a folder', (path) => mkdirSync(path), 'it is no file'],
    [
      'is damaged',
      async (path) => {
        await seeded(`sqlite:${path}`);
        damageTable(path, 'clients');
      },
      'it is damaged',
    ],
    [
      'is of another program',
      (path) => {
        const handle = new DatabaseSync(path);
        handle.exec('CREATE TABLE songs (name TEXT)');
        handle.close();
      },
      'the file belongs to another program',
    ],
    [
      'is of a newer SQLite',
      async (path) => {
        await seeded(`sqlite:${path}`);
        makeReadOnly(path);
      },
      'a newer SQLite made it read-only',
    ],
  ])('that %s is broken', async (_, spoil, reason) => {
    const path = inFolder();
    await spoil(path);
    const { database } = await examined({ DATABASE_URL: `sqlite:${path}` });
    expect(database).toMatchObject({ state: 'broken', remedy: expect.any(String) as string });
    expect(database?.fact).toContain(reason);
  });

  test('whose folder cannot be made is broken', async () => {
    const path = inFolder();
    writeFileSync(path, '');
    const { database } = await examined({ DATABASE_URL: `sqlite:${path}/below/gateway.db` });
    expect(database).toMatchObject({ state: 'broken', fact: expect.stringContaining('folder') as string });
  });

  test.each([true, false])('that may not be written is broken, be it there or not (%s)', async (isThere) => {
    const path = inFolder();
    if (isThere) await seeded(`sqlite:${path}`);
    const checkWritable = (place: string) =>
      isThere === (place === path) ? Promise.reject(new Error('EACCES')) : Promise.resolve();
    const [database] = await examineSqlite({ path, isStore: true, checkWritable });
    expect(database).toMatchObject({ state: 'broken', fact: `${path}: may not be written` });
  });

  test('that is not there yet is ok, and is not made', async () => {
    const folder = temporaryFolder();
    expect(await statesOf({ DATABASE_URL: `sqlite:${join(folder, 'new', 'gateway.db')}` })).toMatchObject({
      database: 'ok',
      disk: 'ok',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('in memory is a warning', async () => {
    expect(await statesOf({ DATABASE_URL: 'sqlite::memory:' })).toMatchObject({ database: 'warning' });
  });

  test.each(['closed in order', 'in use'])(
    'that is %s is read with all it holds, and nothing of it changes',
    async (how) => {
      const folder = temporaryFolder();
      const path = join(folder, 'gateway.db');
      await seeded(`sqlite:${path}`);
      const user = how === 'in use' ? new DatabaseSync(path) : null;
      onTestFinished(() => user?.close());
      // It stands in the log beside the file.
      user?.exec("INSERT INTO catalogue VALUES ('b5ff6d1c-2e1f-4a0e-8f3c-6f2d0f8a7c11', 'Other task')");
      const content = () => ({
        names: readdirSync(folder),
        bytes: user ? null : bytesIn(folder).toString('base64'),
        changed: statSync(path).mtimeMs,
      });
      const before = content();
      const { store } = await examined({ DATABASE_URL: `sqlite:${path}` });
      expect(store?.fact).toBe(user ? '1 client, 2 tasks in the catalogue' : '1 client, 1 task in the catalogue');
      expect(content()).toEqual(before);
    },
  );
});

describe('a PostgreSQL server', () => {
  test('is named with its version, how far it is, and what is taken, and without its password', async () => {
    const findings = await examined({ DATABASE_URL: await temporaryPostgres() });
    expect(findings['database']?.fact).toMatch(
      /^postgres:\/\/postgres@[\d.:]+\/test_\w+: PostgreSQL \d+\.\d+, \d+\.\d ms/,
    );
    expect(findings['connections']?.fact).toMatch(/^\d+ of 200 connections taken$/);
    expect(JSON.stringify(findings)).not.toMatch(/secret/);
  });

  test('that does not wait for its disk is a warning', async () => {
    const { durability } = await examined({ DATABASE_URL: await temporaryPostgres() });
    expect(durability).toMatchObject({ state: 'warning', remedy: 'Set fsync = on.' });
  });

  test.each([
    ['LATIN1', 'broken'],
    ['SQL_ASCII', 'warning'],
  ])('whose encoding is %s is %s', async (encoding, state) => {
    const DATABASE_URL = await temporaryPostgres(`TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`);
    const { database } = await examined({ DATABASE_URL });
    expect(database).toMatchObject({ state, fact: expect.stringContaining(`its encoding is ${encoding}`) as string });
  });

  test('is looked at by way of its socket in a folder', async () => {
    const DATABASE_URL = await throughSocket(await temporaryPostgres());
    const findings = await examined({ DATABASE_URL });
    expect(findings['database']?.state).toBe('ok');
    expect(JSON.stringify(findings)).not.toMatch(/secret/);
  });

  test('that is read-only is broken', async () => {
    const DATABASE_URL = await temporaryPostgres();
    const name = new URL(DATABASE_URL).pathname.slice(1);
    await administer(DATABASE_URL, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const { database } = await examined({ DATABASE_URL });
    expect(database).toMatchObject({ state: 'broken', remedy: 'Name the primary in DATABASE_URL, not a replica.' });
  });

  test('whose user may make no tables is broken', async () => {
    const DATABASE_URL = await temporaryPostgres();
    const user = `u_${crypto.randomUUID().slice(0, 8)}`;
    await administer(DATABASE_URL, `CREATE USER ${user} PASSWORD 'hunter2'`);
    onTestFinished(async () => void (await administer(DATABASE_URL, `DROP USER ${user}`)));
    const asUser = Object.assign(new URL(DATABASE_URL), { username: user, password: 'hunter2' }).href;
    const { database } = await examined({ DATABASE_URL: asUser });
    expect(database).toMatchObject({ state: 'broken', fact: expect.stringContaining('may make no tables') as string });
  });

  test.each<readonly [string, Partial<URL>, string]>([
    ['a wrong password', { password: 'hunter2' }, 'the user name or the password is wrong'],
    ['no such database', { pathname: 'nowhere' }, 'there is no such database'],
    ['a port nobody listens on', { port: '1' }, 'the server refuses connections'],
    ['a name nobody has', { hostname: 'nonexistent.invalid' }, 'the name of the server'],
  ])('at %s is broken', async (_, change, reason) => {
    const DATABASE_URL = Object.assign(new URL(await temporaryPostgres()), change).href;
    const findings = await examined({ DATABASE_URL });
    expect(findings['database']).toMatchObject({ state: 'broken', fact: expect.stringContaining(reason) as string });
    expect(JSON.stringify(findings)).not.toMatch(/hunter2|secret/);
  });
});
