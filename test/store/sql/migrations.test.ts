import { describe, expect, test } from 'vitest';
import type { Database, SqlTransaction } from '../../../src/store/sql/database.ts';
import { migrate, type Migration, MIGRATIONS } from '../../../src/store/sql/migrations.ts';
import { DATABASES, type DatabaseKind, openTemporary, emptyDatabase } from '../../support/databases.ts';

const FIRST: Migration = { number: 1, statements: ['CREATE TABLE one (id TEXT)'] };
const PAGE = "SELECT * FROM account_tasks WHERE account_id = 'a' AND id < 'b' ORDER BY id DESC LIMIT 5";

async function openEmpty(kind: DatabaseKind): Promise<Database> {
  return openTemporary(await emptyDatabase(kind));
}

async function tables(kind: DatabaseKind, database: Database): Promise<readonly unknown[]> {
  const rows = await database.read<{ name: string }>(
    kind === 'SQLite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table'"
      : 'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
  );
  return rows.map(({ name }) => name).toSorted();
}

function tablesOfEarlierSteps(number: number): readonly string[] {
  const statements = MIGRATIONS.filter((step) => step.number < number).flatMap((step) => step.statements);
  return statements.flatMap((statement) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? []);
}

/** Behaves like a database without locks: only conflicts separate two migrations. */
function withoutLock(database: Database): Database {
  return {
    ...database,
    transaction: (work) => database.transaction((transaction) => work({ ...transaction, exclusive: async () => {} })),
  };
}

describe.each(DATABASES)('on %s', (kind) => {
  test('migrating creates the schema, and migrating again changes nothing', async () => {
    const database = await openEmpty(kind);
    await migrate(database);
    const applied = await database.read('SELECT * FROM schema_migrations');
    expect(await tables(kind, database)).toEqual([
      'account_tasks',
      'attempts',
      'catalogue',
      'clients',
      'idempotency_keys',
      'recorded_tasks',
      'refused_credentials',
      'schema_migrations',
      'tokens',
    ]);
    await migrate(database);
    expect(await database.read('SELECT * FROM schema_migrations')).toEqual(applied);
  });

  test('a step that fails leaves the earlier steps and nothing of its own', async () => {
    const database = await openEmpty(kind);
    const broken = { number: 2, statements: ['CREATE TABLE two (id TEXT)', 'CREATE TABLE nonsense'] };
    await expect(migrate(database, [FIRST, broken])).rejects.toThrow(/incomplete input|syntax error/);
    expect(await tables(kind, database)).toEqual(['one', 'schema_migrations']);
    await migrate(database, [FIRST, { number: 2, statements: ['CREATE TABLE two (id TEXT)'] }]);
    expect(await tables(kind, database)).toEqual(['one', 'schema_migrations', 'two']);
  });

  test('a schema that is newer than the program is refused', async () => {
    const database = await openEmpty(kind);
    await migrate(database, [FIRST, { number: 2, statements: [] }]);
    await expect(migrate(database, [FIRST])).rejects.toThrow(
      'its schema (version 2) is newer than this program supports (version 1)',
    );
  });
});

test.each(DATABASES)('on %s, a key that is older than its columns becomes one of a create', async (kind) => {
  const database = await openEmpty(kind);
  await migrate(
    database,
    MIGRATIONS.filter(({ number }) => number < 12),
  );
  const columns = ['scope', 'idempotency_key', 'fingerprint', 'attempt_id', 'state', 'lease_until', 'expires_at'];
  await database.transaction((transaction) =>
    transaction.insert('idempotency_keys', columns, [['s', 'k', 'f', 'a', 'UNKNOWN', 'lease', 'expiry']]),
  );
  await migrate(database);
  expect(await database.read('SELECT operation, request_id, tried_at FROM idempotency_keys')).toEqual([
    { operation: 'CREATE_ACCOUNT_TASK', request_id: 'unknown', tried_at: 'lease' },
  ]);
});

test('the steps are in the order of their numbers, the newest last', () => {
  const numbers = MIGRATIONS.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
});

test.each(MIGRATIONS)('step $number changes at most one table of the earlier steps', ({ number, statements }) => {
  const text = statements.join(';\n');
  expect(tablesOfEarlierSteps(number).filter((table) => new RegExp(`\\b${table}\\b`).test(text)).length).toBeLessThan(
    2,
  );
});

/** Behaves like a database whose schema changes are not transactional. It fails after this many changes. */
function withoutTransactions(database: Database, changesBeforeFailure: number): Database {
  let changes = 0;
  return {
    ...database,
    transaction: (work) => {
      const alone: SqlTransaction = {
        read: (sql, parameters) => database.read(sql, parameters),
        async write(sql, parameters) {
          if (/^CREATE (?!TABLE IF NOT EXISTS schema_migrations)/.test(sql.trim())) changes += 1;
          if (changes > changesBeforeFailure) throw new Error('it has failed');
          return database.transaction((transaction) => transaction.write(sql, parameters));
        },
        insert: (...rows) => database.transaction((transaction) => transaction.insert(...rows)),
        exclusive: async () => {},
      };
      return work(alone);
    },
  };
}

test.each(DATABASES)('on %s, the next start finishes a step that was interrupted', async (kind) => {
  const whole = await openEmpty(kind);
  await migrate(whole);
  for (const changes of [1, 3, 5, 7, 9]) {
    const database = await openEmpty(kind);
    await expect(migrate(withoutTransactions(database, changes))).rejects.toThrow('it has failed');
    await migrate(withoutTransactions(database, Number.POSITIVE_INFINITY));
    expect(await tables(kind, database)).toEqual(await tables(kind, whole));
  }
});

test('SQLite reads a page of an account from an index, without sorting', async () => {
  const database = await openEmpty('SQLite');
  await migrate(database);
  const plan = await database.read(`EXPLAIN QUERY PLAN ${PAGE}`);
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('USING INDEX sqlite_autoindex_account_tasks_1 (account_id=? AND id<?)'),
  ]);
});

test('PostgreSQL reads a page of an account from an index, without sorting', async () => {
  const database = await openEmpty('PostgreSQL');
  await migrate(database);
  await database.transaction(async (transaction) => {
    // Otherwise an empty table is scanned.
    await transaction.write('SET LOCAL enable_seqscan = off');
    await transaction.write('SET LOCAL enable_bitmapscan = off');
    const plan = await transaction.read(`EXPLAIN (COSTS OFF) ${PAGE}`);
    expect(plan.map((row) => row['QUERY PLAN'])).toEqual([
      'Limit',
      '  ->  Index Scan Backward using account_tasks_pkey on account_tasks',
      "        Index Cond: ((account_id = 'a'::text) AND (id < 'b'::text))",
    ]);
  });
});

test.each<readonly [string, (database: Database) => Database]>([
  ['locks', (database) => database],
  ['no locks', withoutLock],
])('processes that start at once on an empty PostgreSQL database with %s create its schema together', async (_, as) => {
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const databases = await Promise.all(Array.from({ length: 4 }, () => openTemporary(databaseUrl)));
  const failures: unknown[] = [];
  for (const round of [1, 2]) {
    const results = await Promise.allSettled(databases.map((database) => migrate(as(database))));
    failures.push(...results.flatMap((result) => (result.status === 'rejected' ? [round, result.reason] : [])));
  }
  expect(failures).toEqual([]);
  const [first] = databases;
  expect(await first!.read('SELECT number FROM schema_migrations ORDER BY number')).toEqual(
    MIGRATIONS.map(({ number }) => ({ number })),
  );
});
