import { setTimeout as delay } from 'node:timers/promises';
import type { CommitObserver } from './group-commit.ts';
import { readClock, toIso, type Database, type SqlValue } from './sql/database.ts';
import { toIdPrefix } from './account-tasks.ts';

export interface PurgeOptions {
  readonly database: Database;
  readonly keyExpiryMs: number;
  /** Days that records and settled attempts are kept; for ever if null. Keys stay until they expire. */
  readonly recordDays: number | null;
  /** The pause between two rounds. */
  readonly intervalMs?: number;
  readonly observer?: CommitObserver | undefined;
}

const DAY_MS = 86_400_000;
/** More than a commit of creates adds, so that rows are deleted faster than they are added. */
const MAX_ROWS = 512;
const INTERVAL_MS = 60_000;

/** Deletes expired rows in the background, in transactions small enough not to delay creates. */
export function createPurge(options: PurgeOptions) {
  const { database, intervalMs = INTERVAL_MS, observer } = options;
  const expiries = toExpiries(options);
  const closing = new AbortController();
  /** Deletes all rows that have expired. */
  const run = async (): Promise<void> => {
    const nowMs = await readClock(database);
    for (const [table, key, column, toLimit] of expiries) {
      const sql = `DELETE FROM ${table} WHERE (${key}) IN
        (SELECT ${key} FROM ${table} WHERE ${column} <= ?1 ORDER BY ${column} LIMIT ?2)`;
      let rows = MAX_ROWS;
      while (rows === MAX_ROWS && !closing.signal.aborted) {
        const startedMs = performance.now();
        rows = await database.transaction((transaction) => transaction.write(sql, [toLimit(nowMs), MAX_ROWS]));
        if (rows > 0) observer?.onCommit(rows, performance.now() - startedMs);
      }
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
    /** Stops after the current transaction. */
    close(): Promise<void> {
      closing.abort();
      return running;
    },
  };
}

/** A table, its key, the indexed column that holds the time, and that column's value up to which rows have expired. */
type Expiry = readonly [table: string, key: string, column: string, toLimit: (nowMs: number) => SqlValue];

/** Keys stay until they expire, since they prevent a second create. */
function toExpiries({ keyExpiryMs, recordDays }: PurgeOptions): readonly Expiry[] {
  const always: readonly Expiry[] = [
    ['tokens', 'hash', 'expires_at', toIso],
    ['idempotency_keys', 'scope, idempotency_key', 'expires_at', toIso],
    ['refused_credentials', 'credential', 'expires_at', (nowMs) => nowMs],
  ];
  if (recordDays === null) return always;
  const recordMs = recordDays * DAY_MS;
  return [
    ...always,
    ['recorded_tasks', 'scope, position', 'position', (nowMs) => toIdPrefix(nowMs - recordMs)],
    ['attempts', 'id', 'settled_at', (nowMs) => toIso(nowMs - recordMs)],
    // By then the records and keys that the refusal protects have expired.
    ['refused_credentials', 'credential', 'refused_at', (nowMs) => nowMs - Math.max(recordMs, keyExpiryMs)],
  ];
}

/** Resolves with true after the pause, or with false once the signal is aborted. */
function pause(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  return delay(pauseMs, true, { signal, ref: false }).catch(() => false);
}
