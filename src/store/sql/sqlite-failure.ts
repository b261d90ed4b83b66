import { DatabaseUnavailableError, UnstorableDataError } from './database.ts';

/** SQLite's primary result codes for a database that is not in order. */
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

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH: a value is refused. Any code in neither list is a mistake in our SQL. */
const REFUSED_VALUES: ReadonlySet<number> = new Set([18, 19, 20]);

const SQLITE_BUSY = 5;
const SQLITE_IOERR_WRITE = 778;
/**
 * Codes after which a COMMIT has certainly stored nothing: they come before the last frame of the write-ahead log, the
 * one that commits, is whole. After any other (a failed fsync) the frame may be on the disk and count after a crash.
 */
const ROLLED_BACK: ReadonlySet<number> = new Set([5, 6, 8, 13]);

/** The failure behind an error of node:sqlite; an error that is none of the database's comes back as it is. */
export function toSqliteFailure(error: unknown): unknown {
  const code = resultCode(error);
  if (code !== null && REFUSED_VALUES.has(code & 0xff)) return new UnstorableDataError(error);
  const reason = code === null ? undefined : REASONS.get(code & 0xff);
  return reason === undefined ? error : new DatabaseUnavailableError(reason, { cause: error });
}

/** The failure behind an error of COMMIT, which leaves the transaction's fate open unless its code settles it. */
export function toSqliteCommitFailure(error: unknown): unknown {
  const code = resultCode(error);
  if (code === null || REFUSED_VALUES.has(code & 0xff)) return toSqliteFailure(error);
  const fateUnknown = code !== SQLITE_IOERR_WRITE && !ROLLED_BACK.has(code & 0xff);
  return new DatabaseUnavailableError(REASONS.get(code & 0xff) ?? 'it failed', { cause: error, fateUnknown });
}

/** True when a lock of another connection was in the way. */
export function isBusy(failure: unknown): boolean {
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
