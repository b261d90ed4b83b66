import { setTimeout as delay } from 'node:timers/promises';
import type { CommitObserver } from './group-commit.ts';
import { readClock, toIso, type Database, type SqlTransaction, type SqlValue } from './sql/database.ts';
import { toIdPrefix } from './account-tasks.ts';

/** Deletes expired rows in the background, in transactions small enough not to delay creates. */
export interface Purge {
  /** Deletes all rows that have expired. */
  run(): Promise<void>;
  /** Stops after the current transaction. */
  close(): Promise<void>;
}

export interface PurgeOptions {
  readonly database: Database;
  readonly keyExpiryMs: number;
  /** Days that records and settled attempts are kept; for ever if null. Keys stay until they expire. */
  readonly recordDays: number | null;
  /** The pause between two rounds. */
  readonly intervalMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** The rows of one table that expire. */
interface Expiry {
  readonly table: string;
  readonly key: string;
  /** The indexed column that holds the time. */
  readonly column: string;
  /** Returns the column's value up to which rows have expired, for a time of the database's clock. */
  readonly limit: (nowMs: number) => SqlValue;
}

const KEYS = { table: 'idempotency_keys', key: 'scope, idempotency_key', column: 'expires_at' };
const REFUSALS = { table: 'refused_credentials', key: 'credential' };
const EXPIRIES: readonly Expiry[] = [
  { table: 'tokens', key: 'hash', column: 'expires_at', limit: toIso },
  { ...KEYS, limit: toIso },
  { ...REFUSALS, column: 'expires_at', limit: (nowMs) => nowMs },
];
const DAY_MS = 86_400_000;
/** More than a commit of creates adds, so that rows are deleted faster than they are added. */
const MAX_ROWS = 512;
const INTERVAL_MS = 60_000;

export function createPurge(options: PurgeOptions): Purge {
  const { database, intervalMs = INTERVAL_MS, observer } = options;
  const expiries = [...EXPIRIES, ...recordExpiries(options)];
  const closing = new AbortController();
  const deleteSome = async (expiry: Expiry, limit: SqlValue): Promise<number> => {
    const startedMs = performance.now();
    const rows = await database.transaction((transaction) => deleteExpired(transaction, expiry, limit));
    if (rows > 0) observer?.onCommit(rows, performance.now() - startedMs);
    return rows;
  };
  const run = async (): Promise<void> => {
    const nowMs = await readClock(database);
    for (const expiry of expiries) {
      let rows = MAX_ROWS;
      while (rows === MAX_ROWS && !closing.signal.aborted) rows = await deleteSome(expiry, expiry.limit(nowMs));
    }
  };
  const repeat = async (): Promise<void> => {
    // Spreads the purges of gateways that start together.
    let pauseMs = intervalMs * Math.random();
    while (await pause(pauseMs, closing.signal)) {
      // The next round retries what failed.
      await run().catch(() => observer?.onFailure());
      pauseMs = intervalMs;
    }
  };
  const running = repeat();
  return {
    run,
    close() {
      closing.abort();
      return running;
    },
  };
}

/** The expiries that RECORD_DAYS adds. Keys stay until they expire, since they prevent a second create. */
function recordExpiries({ keyExpiryMs, recordDays }: PurgeOptions): readonly Expiry[] {
  if (recordDays === null) return [];
  const recordMs = recordDays * DAY_MS;
  return [
    {
      table: 'recorded_tasks',
      key: 'scope, position',
      column: 'position',
      limit: (nowMs) => toIdPrefix(nowMs - recordMs),
    },
    { table: 'attempts', key: 'id', column: 'settled_at', limit: (nowMs) => toIso(nowMs - recordMs) },
    // By then the records and keys that the refusal protects have expired.
    { ...REFUSALS, column: 'refused_at', limit: (nowMs) => nowMs - Math.max(recordMs, keyExpiryMs) },
  ];
}

function deleteExpired(transaction: SqlTransaction, { table, key, column }: Expiry, limit: SqlValue): Promise<number> {
  return transaction.write(
    `DELETE FROM ${table} WHERE (${key}) IN
      (SELECT ${key} FROM ${table} WHERE ${column} <= ?1 ORDER BY ${column} LIMIT ?2)`,
    [limit, MAX_ROWS],
  );
}

/** Resolves with true after the pause, or with false once the signal is aborted. */
function pause(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  return delay(pauseMs, true, { signal, ref: false }).catch(() => false);
}
