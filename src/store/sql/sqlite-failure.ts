import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseUnavailableError, UnstorableDataError } from './database.ts';

/** SQLite's primary result codes of an unavailable database, with the reason in messages. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [3, 'access to the file is denied'],
  [5, 'another process keeps it locked'],
  [6, 'another process keeps it locked'],
  [7, 'there is not enough memory'],
  [8, 'the file is read-only'],
  [10, 'the disk failed'],
  [11, 'the file is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened or created'],
  [15, 'another process keeps it locked'],
  [26, 'the file is not a SQLite database, or it is damaged'],
]);

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH. A code in neither list is a mistake in our SQL. */
const REFUSED_VALUES: ReadonlySet<number> = new Set([18, 19, 20]);

const SQLITE_BUSY = 5;
const SQLITE_IOERR_WRITE = 778;
/**
 * Codes after which a COMMIT has certainly stored nothing: they occur before the committing frame of the write-ahead log is
 * complete. After any other code (a failed fsync) the frame may be on the disk and take effect after a crash.
 */
const ROLLED_BACK: ReadonlySet<number> = new Set([5, 6, 8, 13]);

/** Converts an error of node:sqlite. Returns any other error unchanged. */
export function toSqliteFailure(error: unknown): unknown {
  const code = resultCode(error);
  if (code !== null && REFUSED_VALUES.has(code & 0xff)) return new UnstorableDataError(error);
  const reason = code === null ? undefined : REASONS.get(code & 0xff);
  return reason === undefined ? error : new DatabaseUnavailableError(reason, { cause: error });
}

/** Converts an error of COMMIT. The transaction's fate is unknown unless the code shows that it was rolled back. */
export function toSqliteCommitFailure(error: unknown): unknown {
  const code = resultCode(error);
  if (code === null || REFUSED_VALUES.has(code & 0xff)) return toSqliteFailure(error);
  const fateUnknown = code !== SQLITE_IOERR_WRITE && !ROLLED_BACK.has(code & 0xff);
  return new DatabaseUnavailableError(REASONS.get(code & 0xff) ?? 'it failed', { cause: error, fateUnknown });
}

/** Returns true if another connection holds a lock. */
function isBusy(failure: unknown): boolean {
  return failure instanceof DatabaseUnavailableError && ((resultCode(failure.cause) ?? 0) & 0xff) === SQLITE_BUSY;
}

/** Runs work with node:sqlite and translates its errors. */
export function withSqliteErrors<Result>(work: () => Result, toFailure = toSqliteFailure): Result {
  try {
    return work();
  } catch (error) {
    throw toFailure(error);
  }
}

function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
}

/** Repeats work while another process's lock prevents it, up to a time-out. */
export type LockWait = <Result>(work: () => Promise<Result>) => Promise<Result>;

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Waits between the tries instead of in SQLite, whose own wait blocks the event loop.
 * All work that meets the same lock shares one time-out; after it, work fails at once until the lock is released.
 */
export function createLockWait(timeoutMs: number): LockWait {
  let lockedAtMs = 0;
  let refusedAtMs = Number.NEGATIVE_INFINITY;
  return async (work) => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const result = await work();
        refusedAtMs = Number.NEGATIVE_INFINITY;
        return result;
      } catch (error) {
        if (!isBusy(error)) {
          refusedAtMs = Number.NEGATIVE_INFINITY;
          throw error;
        }
        const nowMs = performance.now();
        // A refusal long after the last one is due to another lock.
        if (pauseMs === FIRST_PAUSE_MS && nowMs - refusedAtMs > timeoutMs) lockedAtMs = nowMs;
        refusedAtMs = nowMs;
        if (nowMs - lockedAtMs >= timeoutMs) throw error;
      }
      await delay(pauseMs);
    }
  };
}
