import { setTimeout as delay } from 'node:timers/promises';
import type { CommitObserver } from './commit-observer.ts';
import { readClock, toIso } from './database-clock.ts';
import type { Database, SqlTransaction, SqlValue } from './database.ts';

/** Deletes what has expired in the background, in transactions so small that they hold up no create. */
export interface Purge {
  /** Deletes everything that has expired by now. */
  run(): Promise<void>;
  /** Finishes the transaction under way. */
  close(): Promise<void>;
}

export interface PurgeOptions {
  readonly database: Database;
  /** The pause between two rounds. */
  readonly intervalMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** The rows of one table that expire. */
interface Expiry {
  readonly table: string;
  readonly key: string;
  /** The column with the instant, which has an index. */
  readonly column: string;
  /** The value up to which rows have expired. */
  readonly limit: (nowMs: number) => SqlValue;
}

const EXPIRIES: readonly Expiry[] = [
  { table: 'tokens', key: 'hash', column: 'expires_at', limit: toIso },
  { table: 'idempotency_keys', key: 'scope, idempotency_key', column: 'expires_at', limit: toIso },
  { table: 'refused_credentials', key: 'credential', column: 'expires_at', limit: (nowMs) => nowMs },
];
/** More than a commit of creates brings, so that rows go faster than they come. */
const MAX_ROWS = 512;
const INTERVAL_MS = 60_000;

export function createPurge({ database, intervalMs = INTERVAL_MS, observer }: PurgeOptions): Purge {
  const closing = new AbortController();
  const deleteSome = async (expiry: Expiry, limit: SqlValue): Promise<number> => {
    const startedMs = performance.now();
    const rows = await database.transaction((transaction) => deleteExpired(transaction, expiry, limit));
    if (rows > 0) observer?.onCommit(rows, performance.now() - startedMs);
    return rows;
  };
  const run = async (): Promise<void> => {
    const nowMs = await readClock(database);
    for (const expiry of EXPIRIES) {
      let rows = MAX_ROWS;
      while (rows === MAX_ROWS && !closing.signal.aborted) rows = await deleteSome(expiry, expiry.limit(nowMs));
    }
  };
  const repeat = async (): Promise<void> => {
    // Gateways that start together take turns.
    let pauseMs = intervalMs * Math.random();
    while (await pause(pauseMs, closing.signal)) {
      // What fails now is tried again with the next round.
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

function deleteExpired(transaction: SqlTransaction, { table, key, column }: Expiry, limit: SqlValue): Promise<number> {
  return transaction.write(
    `DELETE FROM ${table} WHERE (${key}) IN
      (SELECT ${key} FROM ${table} WHERE ${column} <= ?1 ORDER BY ${column} LIMIT ?2)`,
    [limit, MAX_ROWS],
  );
}

/** Resolves with true after the pause, or with false as soon as the signal is aborted. */
function pause(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  return delay(pauseMs, true, { signal, ref: false }).catch(() => false);
}
