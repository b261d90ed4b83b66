import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  type Database,
  DatabaseUnavailableError,
  type SqlParameter,
  type SqlReader,
  type SqlTransaction,
} from './database.ts';
import { isBusy, toCommitFailure, toSqliteFailure } from './sqlite-failure.ts';

const IN_MEMORY = ':memory:';
const SWITCH_RETRY_MS = 20;

export interface SqliteOptions {
  /** How long a write waits for another process that is writing the same file. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens a SQLite file, or `:memory:`, creating the file and its folder where they are missing.
 * One connection serves everything in turn: node:sqlite is synchronous, so a second one would gain nothing.
 * @throws DatabaseUnavailableError when the file cannot be used.
 */
export function openSqlite(path: string, { busyTimeoutMs = 5_000 }: SqliteOptions = {}): Database {
  const handle = openHandle(path, busyTimeoutMs);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = handle.prepare(toSqliteSql(sql));
    statements.set(sql, statement);
    return statement;
  };

  const reader: SqlReader = {
    read: async (sql, parameters = []) => attempt(() => prepare(sql).all(...parameters.map(toBound)) as never),
  };
  const transaction: SqlTransaction = {
    ...reader,
    async write(sql, parameters = []) {
      return attempt(() => Number(prepare(sql).run(...parameters.map(toBound)).changes));
    },
    async insert(table, columns, rows, { ifAbsent } = { ifAbsent: false }) {
      const placeholders = columns.map((_, index) => `?${index + 1}`);
      const values = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${placeholders.join(', ')})`;
      const sql = ifAbsent ? `${values} ON CONFLICT DO NOTHING` : values;
      attempt(() => {
        const statement = prepare(sql);
        for (const row of rows) statement.run(...row);
      });
    },
    // BEGIN IMMEDIATE has seen to it.
    exclusive: async () => undefined,
  };
  const inTurn = createTurns();
  const whileOpen = <Result>(work: () => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      if (!handle.isOpen) throw new DatabaseUnavailableError('it is closed', { cause: null });
      rollBack(handle);
      return work();
    });

  return {
    parallelTransactions: 1,
    read: (sql, parameters) => whileOpen(() => reader.read(sql, parameters)),
    transaction: (work) =>
      whileOpen(async () => {
        attempt(() => handle.exec('BEGIN IMMEDIATE'));
        try {
          const result = await work(transaction);
          attempt(() => handle.exec('COMMIT'), toCommitFailure);
          return result;
        } catch (error) {
          // Should this fail, whoever comes next tries again; the first error is what tells the transaction's fate.
          attempt(
            () => rollBack(handle),
            () => error,
          );
          throw error;
        }
      }),
    close: () =>
      inTurn(async () => {
        if (handle.isOpen) handle.close();
      }),
  };
}

/** Ends the transaction that is open, if one is. */
function rollBack(handle: DatabaseSync): void {
  if (!handle.isTransaction) return;
  try {
    handle.exec('ROLLBACK');
  } catch (error) {
    throw new DatabaseUnavailableError('an earlier transaction cannot be undone', { cause: error });
  }
}

function openHandle(path: string, busyTimeoutMs: number): DatabaseSync {
  if (path !== IN_MEMORY) makeFolder(dirname(path));
  const handle = attempt(() => new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true }));
  try {
    return attempt(() => {
      const mode = switchToWal(handle, busyTimeoutMs);
      if (mode !== 'wal' && path !== IN_MEMORY) {
        throw new DatabaseUnavailableError('its file system does not support write-ahead logging', { cause: mode });
      }
      handle.exec('PRAGMA synchronous = FULL');
      // On macOS a plain fsync leaves the data in the drive's cache.
      handle.exec('PRAGMA fullfsync = ON');
      return handle;
    });
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** SQLite's own timeout does not cover this switch, which fails at once while another process opens the same new file. */
function switchToWal(handle: DatabaseSync, busyTimeoutMs: number): unknown {
  for (let waitedMs = 0; ; waitedMs += SWITCH_RETRY_MS) {
    try {
      return handle.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
    } catch (error) {
      if (!isBusy(error) || waitedMs >= busyTimeoutMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SWITCH_RETRY_MS);
    }
  }
}

function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  makeFolder(dirname(folder));
  try {
    // One at a time: with `recursive` Node tries for ever where a folder that is there takes no other (/proc).
    mkdirSync(folder);
  } catch (error) {
    if (!isFolder(folder)) throw new DatabaseUnavailableError('its folder cannot be created', { cause: error });
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function attempt<Result>(work: () => Result, toFailure = toSqliteFailure): Result {
  try {
    return work();
  } catch (error) {
    throw toFailure(error);
  }
}

/** Runs one piece of work after the other, so that none sees another's open transaction. */
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
  return sql.replace(/= ANY \((\?\d+)\)/g, 'IN (SELECT value FROM json_each($1))').replaceAll('now_ms()', NOW_MS);
}

function toBound(parameter: SqlParameter): string | number | null {
  return typeof parameter === 'object' && parameter !== null ? JSON.stringify(parameter) : parameter;
}
