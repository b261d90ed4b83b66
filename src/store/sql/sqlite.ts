import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type Database,
  DatabaseUnavailableError,
  type SqlParameter,
  type SqlReader,
  type SqlTransaction,
  whileOpen,
} from './database.ts';
import { watchFiles, openSqliteFile } from './sqlite-file.ts';
import { createLockWait, type LockWait, toSqliteCommitFailure, withSqliteErrors } from './sqlite-failure.ts';

export interface SqliteOptions {
  /** How long work waits for another process's lock on the same file. */
  readonly lockTimeoutMs?: number;
}

/**
 * Opens a SQLite file, or `:memory:`. Creates the file and its folder if they are missing.
 * One connection does all work in turn: node:sqlite is synchronous, so a second one would gain nothing.
 * @throws DatabaseUnavailableError if the file cannot be used.
 */
export async function openSqlite(path: string, { lockTimeoutMs = 5_000 }: SqliteOptions = {}): Promise<Database> {
  const handle = await openSqliteFile(path, createLockWait(lockTimeoutMs));
  const checkFiles = watchFiles(path, handle);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = handle.prepare(toSqliteSql(sql));
    statements.set(sql, statement);
    return statement;
  };

  const reader: SqlReader = {
    read: async (sql, parameters = []) => withSqliteErrors(() => prepare(sql).all(...parameters.map(toBound)) as never),
  };
  const transaction: SqlTransaction = {
    ...reader,
    async write(sql, parameters = []) {
      return withSqliteErrors(() => Number(prepare(sql).run(...parameters.map(toBound)).changes));
    },
    async insert(table, columns, rows, { ifAbsent } = { ifAbsent: false }) {
      const placeholders = columns.map((_, index) => `?${index + 1}`);
      const values = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${placeholders.join(', ')})`;
      const sql = ifAbsent ? `${values} ON CONFLICT DO NOTHING` : values;
      withSqliteErrors(() => {
        const statement = prepare(sql);
        for (const row of rows) statement.run(...row);
      });
    },
    // BEGIN IMMEDIATE already excludes all other transactions.
    exclusive: async () => undefined,
  };
  const inTurn = createTurns();
  const { run, close } = whileOpen(() => handle.close());
  // The turn ends before the wait for a lock, so that reads continue while another process writes.
  const runInTurn = <Result>(waitForLock: LockWait, work: () => Promise<Result>): Promise<Result> =>
    run(() =>
      waitForLock(() =>
        inTurn(() => {
          rollBack(handle);
          checkFiles();
          return work();
        }),
      ),
    );
  const waitToRead = createLockWait(lockTimeoutMs);
  const waitToWrite = createLockWait(lockTimeoutMs);

  return {
    parallelTransactions: 1,
    read: (sql, parameters) => runInTurn(waitToRead, () => reader.read(sql, parameters)),
    transaction: (work) =>
      runInTurn(waitToWrite, async () => {
        withSqliteErrors(() => handle.exec('BEGIN IMMEDIATE'));
        try {
          const result = await work(transaction);
          withSqliteErrors(() => handle.exec('COMMIT'), toSqliteCommitFailure);
          return result;
        } catch (error) {
          // If this fails, the next work rolls back. The first error decides the transaction's fate.
          withSqliteErrors(
            () => rollBack(handle),
            () => error,
          );
          throw error;
        }
      }),
    close,
  };
}

/** Rolls back an open transaction. */
function rollBack(handle: DatabaseSync): void {
  if (!handle.isTransaction) return;
  try {
    handle.exec('ROLLBACK');
  } catch (error) {
    throw new DatabaseUnavailableError('an earlier transaction cannot be rolled back', { cause: error });
  }
}

/** Creates a queue that runs work one at a time, so that none sees another's open transaction. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** The machine's wall clock, to the millisecond. */
const NOW_MS = "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)";

function toSqliteSql(sql: string): string {
  return sql
    .replace(/= ANY \((\?\d+)\)/g, 'IN (SELECT value FROM json_each($1))')
    .replace('ADD COLUMN IF NOT EXISTS', 'ADD COLUMN')
    .replaceAll(/CAST\((\w+) AS JSON\)/g, '$1')
    .replaceAll('now_ms()', NOW_MS);
}

function toBound(parameter: SqlParameter): string | number | null {
  return typeof parameter === 'object' && parameter !== null ? JSON.stringify(parameter) : parameter;
}
