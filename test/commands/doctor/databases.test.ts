import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { examineSqlite } from '../../../src/commands/doctor/database-examination.ts';
import { NEWEST_MIGRATION } from '../../../src/store/sql/migrations.ts';
import { createStore, openDatabase, openStore } from '../../../src/store/store.ts';
import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { addClient } from '../../support/client-without-secret.ts';
import { damageTable } from '../../support/damaged-file.ts';
import {
  administer,
  DATABASES,
  openTemporary,
  emptyDatabase,
  temporaryPostgres,
  throughSocket,
} from '../../support/databases.ts';
import { bytesIn, temporaryFolder } from '../../support/temporary-folder.ts';
import { examined, statesOf } from './findings.ts';

async function seeded(databaseUrl: string): Promise<string> {
  const database = await openDatabase(databaseUrl);
  const store = createStore(database);
  await addClient(database);
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
  await store.close();
  return databaseUrl;
}

async function migrated(databaseUrl: string): Promise<string> {
  await (await openStore({ databaseUrl })).close();
  return databaseUrl;
}

/** Runs a statement on an existing schema. */
async function write(databaseUrl: string, sql: string): Promise<void> {
  const database = await openTemporary(databaseUrl);
  await database.transaction((transaction) => transaction.write(sql));
  await database.close();
}

describe.each(DATABASES)('a database in %s', (kind) => {
  test('that is in order is ok in every finding', async () => {
    const findings = await examined({ DATABASE_URL: await seeded(await emptyDatabase(kind)) });
    expect(findings['database']).toMatchObject({ state: 'ok' });
    expect(findings['schema']).toMatchObject({ state: 'ok', fact: `version ${NEWEST_MIGRATION}, up to date` });
    expect(findings['store']).toMatchObject({ state: 'ok', fact: '1 client, 1 task in the catalogue' });
  });

  test('that is empty is ok because the gateway creates the tables at startup', async () => {
    const findings = await examined({ DATABASE_URL: await emptyDatabase(kind) });
    expect(findings['database']).toMatchObject({ state: 'ok' });
    expect(findings['schema']?.fact ?? 'empty').toContain('empty');
  });

  test('without a client is a warning that says how to create one', async () => {
    const { store } = await examined({ DATABASE_URL: await migrated(await emptyDatabase(kind)) });
    expect(store).toMatchObject({ state: 'warning', remedy: 'Run: npm run cli -- client create --name NAME' });
  });

  test('whose only client was revoked counts as one without a client', async () => {
    const databaseUrl = await seeded(await emptyDatabase(kind));
    const store = await openStore({ databaseUrl });
    for (const { id } of await store.clients.list()) await store.clients.revoke(id);
    await store.close();
    const findings = await examined({ DATABASE_URL: databaseUrl });
    expect(findings['store']?.fact).toBe('0 clients, 1 task in the catalogue: nothing can be created yet');
  });

  test('that stores only records needs no client', async () => {
    const DATABASE_URL = await migrated(await emptyDatabase(kind));
    const states = await statesOf({ DATABASE_URL, UPSTREAM_URL: 'http://127.0.0.1:9/' });
    expect(states).toMatchObject({ database: 'ok', schema: 'ok' });
    expect(states['store']).toBeUndefined();
  });

  test('with the schema of a newer program is broken', async () => {
    const DATABASE_URL = await migrated(await emptyDatabase(kind));
    await write(DATABASE_URL, `INSERT INTO schema_migrations VALUES (${NEWEST_MIGRATION + 7}, 'later')`);
    const { schema } = await examined({ DATABASE_URL });
    expect(schema).toMatchObject({
      state: 'broken',
      remedy: 'Run the newer version of the gateway; migrations only go forward.',
    });
    expect(schema?.fact).toContain(`version ${NEWEST_MIGRATION + 7} is newer`);
  });

  test('with the schema of an older program is ok because the gateway migrates it at startup', async () => {
    const DATABASE_URL = await migrated(await emptyDatabase(kind));
    await write(DATABASE_URL, `DELETE FROM schema_migrations WHERE number > 1`);
    const { schema } = await examined({ DATABASE_URL });
    expect(schema).toMatchObject({
      state: 'ok',
      fact: `version 1; the gateway migrates it to version ${NEWEST_MIGRATION} at startup`,
    });
  });
});

function inFolder(): string {
  return join(temporaryFolder(), 'gateway.db');
}

describe('a SQLite file', () => {
  test.each<readonly [string, (path: string) => unknown, string]>([
    ['is no database', (path) => writeFileSync(path, 'A letter. '.repeat(500)), 'the file is not a SQLite database'],
    ['is a folder', (path) => mkdirSync(path), 'is not a file'],
    [
      'is damaged',
      async (path) => {
        await seeded(`sqlite:${path}`);
        damageTable(path, 'clients');
      },
      'is damaged',
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
  ])('that %s is broken', async (_, spoil, reason) => {
    const path = inFolder();
    await spoil(path);
    const { database } = await examined({ DATABASE_URL: `sqlite:${path}` });
    expect(database).toMatchObject({ state: 'broken', remedy: expect.any(String) as string });
    expect(database?.fact).toContain(reason);
  });

  test('whose folder cannot be created is broken', async () => {
    const path = inFolder();
    writeFileSync(path, '');
    const { database } = await examined({ DATABASE_URL: `sqlite:${path}/below/gateway.db` });
    expect(database).toMatchObject({ state: 'broken', fact: expect.stringContaining('cannot be created') as string });
  });

  test.each([true, false])('that cannot be written is broken, whether it exists or not (%s)', async (isThere) => {
    const path = inFolder();
    if (isThere) await seeded(`sqlite:${path}`);
    const checkWritable = (place: string) =>
      isThere === (place === path) ? Promise.reject(new Error('EACCES')) : Promise.resolve();
    const [database] = await examineSqlite(path, true, checkWritable);
    expect(database).toMatchObject({ state: 'broken', fact: `${path}: cannot be created or written by this user` });
  });

  test('that does not exist yet is ok, and is not created', async () => {
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

  test.each(['closed in order', 'in use'])('that is %s is read completely and not changed', async (how) => {
    const folder = temporaryFolder();
    const path = join(folder, 'gateway.db');
    await seeded(`sqlite:${path}`);
    const user = how === 'in use' ? new DatabaseSync(path) : null;
    onTestFinished(() => user?.close());
    // This row is only in the write-ahead log.
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
  });
});

describe('a PostgreSQL server', () => {
  test('is reported with its version and latency, without its password', async () => {
    const findings = await examined({ DATABASE_URL: await temporaryPostgres() });
    expect(findings['database']?.fact).toMatch(
      /^postgres:\/\/postgres@[\d.:]+\/test_\w+: PostgreSQL \d+\.\d+, \d+\.\d ms/,
    );
    expect(JSON.stringify(findings)).not.toMatch(/secret/);
  });

  test('whose encoding cannot hold every text is broken', async () => {
    const DATABASE_URL = await temporaryPostgres(`TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    const { database } = await examined({ DATABASE_URL });
    const fact = expect.stringContaining('its encoding is LATIN1') as string;
    expect(database).toMatchObject({ state: 'broken', fact });
  });

  test('can be checked through its Unix socket', async () => {
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
    expect(database).toMatchObject({ state: 'broken', remedy: 'Set DATABASE_URL to the primary, not to a replica.' });
  });

  test('whose user may not create tables is broken', async () => {
    const DATABASE_URL = await temporaryPostgres();
    const user = `u_${crypto.randomUUID().slice(0, 8)}`;
    await administer(DATABASE_URL, `CREATE USER ${user} PASSWORD 'hunter2'`);
    onTestFinished(async () => void (await administer(DATABASE_URL, `DROP USER ${user}`)));
    const asUser = Object.assign(new URL(DATABASE_URL), { username: user, password: 'hunter2' }).href;
    const { database } = await examined({ DATABASE_URL: asUser });
    expect(database).toMatchObject({
      state: 'broken',
      fact: expect.stringContaining('may not create tables') as string,
    });
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
