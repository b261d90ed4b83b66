import { readClock, toIso, type Database } from './database.ts';

export interface Migration {
  /** Counts up. */
  readonly number: number;
  readonly statements: readonly string[];
}

/**
 * The schema, step by step. A released step is never changed. Timestamps and GUIDs are text. Keys start with the account's
 * ID, so that a distributed PostgreSQL can store an account's rows together.
 * Statements are repeatable: in YugabyteDB schema changes are not transactional, so a start may end in the middle of a step.
 * Older versions keep serving beside a newer one, so a step adds tables, columns and values, or drops an index. It changes at most one existing table: locking two
 * could deadlock with a create.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    statements: [
      `CREATE TABLE IF NOT EXISTS clients (
        id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, secret_hash TEXT NOT NULL, created_at TEXT NOT NULL
      )`,
      'CREATE INDEX IF NOT EXISTS clients_of_account ON clients (account_id, id)',
      'CREATE TABLE IF NOT EXISTS catalogue (id TEXT PRIMARY KEY, name TEXT NOT NULL)',
      `CREATE TABLE IF NOT EXISTS tokens (
        hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, client_id TEXT REFERENCES clients (id), expires_at TEXT NOT NULL
      )`,
      'CREATE INDEX IF NOT EXISTS tokens_by_expiry ON tokens (expires_at)',
      `CREATE TABLE IF NOT EXISTS account_tasks (
        account_id TEXT NOT NULL, id TEXT NOT NULL,
        task_id TEXT NOT NULL REFERENCES catalogue (id), client_id TEXT NOT NULL REFERENCES clients (id),
        name TEXT NOT NULL, enabled SMALLINT NOT NULL, frequency TEXT NOT NULL, start_date TEXT, finish_date TEXT,
        parameters TEXT NOT NULL, content_type TEXT NOT NULL, notification TEXT NOT NULL,
        date_created TEXT NOT NULL, date_modified TEXT NOT NULL, last_run_on TEXT, last_run_by TEXT,
        last_modified_by TEXT NOT NULL, status TEXT NOT NULL,
        PRIMARY KEY (account_id, id)
      )`,
    ],
  },
  {
    number: 2,
    statements: [
      `CREATE TABLE IF NOT EXISTS idempotency_keys (
        scope TEXT NOT NULL, idempotency_key TEXT NOT NULL, fingerprint TEXT NOT NULL, attempt_id TEXT NOT NULL,
        state TEXT NOT NULL, lease_until TEXT NOT NULL, expires_at TEXT NOT NULL, outcome TEXT,
        PRIMARY KEY (scope, idempotency_key)
      )`,
      'CREATE INDEX IF NOT EXISTS idempotency_keys_by_expiry ON idempotency_keys (expires_at)',
      `CREATE TABLE IF NOT EXISTS recorded_tasks (
        scope TEXT NOT NULL, position TEXT NOT NULL, id TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (scope, position)
      )`,
      'CREATE UNIQUE INDEX IF NOT EXISTS recorded_tasks_by_id ON recorded_tasks (scope, id)',
    ],
  },
  {
    number: 3,
    statements: [
      `CREATE TABLE IF NOT EXISTS refused_credentials (
        credential TEXT PRIMARY KEY, refused_at BIGINT NOT NULL, expires_at BIGINT NOT NULL
      )`,
      'CREATE INDEX IF NOT EXISTS refused_credentials_by_refusal ON refused_credentials (refused_at)',
      'CREATE INDEX IF NOT EXISTS refused_credentials_by_expiry ON refused_credentials (expires_at)',
      'CREATE INDEX IF NOT EXISTS recorded_tasks_by_position ON recorded_tasks (position)',
    ],
  },
  { number: 4, statements: ['ALTER TABLE clients ADD COLUMN IF NOT EXISTS revoked_at TEXT'] },
  {
    number: 5,
    statements: [
      `CREATE TABLE IF NOT EXISTS attempts (
        id TEXT PRIMARY KEY, operation TEXT NOT NULL, scopes TEXT NOT NULL, idempotency_key TEXT, request_id TEXT NOT NULL,
        tried_at TEXT NOT NULL, lease_until TEXT NOT NULL, task_id TEXT NOT NULL, start_date TEXT, finish_date TEXT,
        parameters_sha256 TEXT NOT NULL, code TEXT, settled_at TEXT, settled_by TEXT, created_id TEXT
      )`,
      'CREATE INDEX IF NOT EXISTS attempts_by_settlement ON attempts (settled_at)',
      'ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS operation TEXT',
      'ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS request_id TEXT',
      'ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS tried_at TEXT',
      'ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS settled_by TEXT',
    ],
  },
  {
    // A step of its own: CockroachDB cannot use a column in the transaction that adds it.
    number: 6,
    statements: [
      "UPDATE clients SET revoked_at = SUBSTR(secret_hash, 9) WHERE secret_hash LIKE 'revoked:%' AND revoked_at IS NULL",
    ],
  },
  {
    number: 7,
    statements: [
      'ALTER TABLE recorded_tasks ADD COLUMN IF NOT EXISTS recorded_at TEXT',
      'CREATE INDEX IF NOT EXISTS recorded_tasks_of_any_scope ON recorded_tasks (id)',
    ],
  },
  {
    number: 8,
    statements: ['CREATE INDEX IF NOT EXISTS account_tasks_by_task ON account_tasks (account_id, task_id, id)'],
  },
  {
    // Null in records that are older than the column; the filter `taskIds` does not find them.
    number: 9,
    statements: ['ALTER TABLE recorded_tasks ADD COLUMN IF NOT EXISTS task_id TEXT'],
  },
  {
    // A step of its own, as step 6.
    number: 10,
    statements: [
      'CREATE INDEX IF NOT EXISTS recorded_tasks_by_task ON recorded_tasks (scope, task_id, position)',
      'CREATE INDEX IF NOT EXISTS recorded_tasks_without_task ON recorded_tasks (scope, position) WHERE task_id IS NULL',
    ],
  },
  {
    number: 11,
    statements: [
      "CREATE UNIQUE INDEX IF NOT EXISTS attempts_by_created_task ON attempts (created_id) WHERE operation = 'CREATE_ACCOUNT_TASK'",
      'CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (tried_at, id)',
    ],
  },
  {
    // Keys that are older than these columns are of creates, and nobody knows their requests.
    number: 12,
    statements: [
      `UPDATE idempotency_keys SET operation = 'CREATE_ACCOUNT_TASK', request_id = 'unknown', tried_at = lease_until
        WHERE operation IS NULL`,
    ],
  },
  { number: 13, statements: ['DROP INDEX IF EXISTS recorded_tasks_without_task'] },
];

/** The schema version that this program needs. */
export const NEWEST_MIGRATION = MIGRATIONS.at(-1)?.number ?? 0;

/**
 * Brings the schema up to date, each missing step in its own transaction.
 * Several processes may run it at once: one of them applies each step.
 * @throws Error if the schema is newer than this program, or the database cannot be written.
 */
export async function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.exclusive();
    await transaction.write(
      'CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)',
    );
    const [newest] = await transaction.read<{ number: number }>('SELECT MAX(number) AS number FROM schema_migrations');
    const known = migrations.at(-1)?.number ?? 0;
    if (Number(newest?.number) > known) {
      throw new Error(
        `its schema (version ${newest?.number}) is newer than this program supports (version ${known}); run the newer version of the gateway`,
      );
    }
    // Changes nothing, but fails if the database cannot be written.
    await transaction.write('UPDATE schema_migrations SET applied_at = applied_at');
  });
  for (const { number, statements } of migrations) {
    await database.transaction(async (transaction) => {
      await transaction.exclusive();
      const applied = await transaction.read('SELECT number FROM schema_migrations WHERE number = ?1', [number]);
      if (applied.length > 0) return;
      for (const statement of statements) await transaction.write(statement);
      await transaction.insert(
        'schema_migrations',
        ['number', 'applied_at'],
        [[number, toIso(await readClock(transaction))]],
      );
    });
  }
}
