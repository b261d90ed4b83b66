import { existsSync, mkdirSync, statSync, closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { DatabaseUnavailableError } from './database.ts';
import type { LockWait } from './lock-wait.ts';
import { withSqliteErrors, toSqliteFailure } from './sqlite-failure.ts';

const IN_MEMORY = ':memory:';
/** Marks a file as this program's: "ATGW". */
const APPLICATION_ID = 0x41544757;
/** A file without a mark is this program's if it has our table of migrations, which older versions left unmarked. */
const OWNERSHIP = `SELECT (SELECT application_id FROM pragma_application_id) AS mark,
  (SELECT COUNT(*) FROM sqlite_schema) AS objects,
  (SELECT COUNT(*) FROM pragma_table_info('schema_migrations') WHERE name IN ('number', 'applied_at')) AS columns`;

/**
 * Opens a SQLite file for this program, or `:memory:`, creating the file and its folder where they are missing.
 * @throws DatabaseUnavailableError when the file cannot be used; another program's file is not changed.
 */
export async function openSqliteFile(path: string, waitForLock: LockWait): Promise<DatabaseSync> {
  if (path !== IN_MEMORY) {
    makeFolder(dirname(path));
    await waitForLock(async () => refuseForeign(path));
  }
  const handle = withSqliteErrors(() => new DatabaseSync(path, { enableForeignKeyConstraints: true }));
  try {
    const run = (sql: string) => waitForLock(async () => withSqliteErrors(() => handle.prepare(sql).get()));
    const mode = (await run('PRAGMA journal_mode = WAL'))?.['journal_mode'];
    if (mode !== 'wal' && path !== IN_MEMORY) {
      throw new DatabaseUnavailableError('its file system does not support write-ahead logging', { cause: mode });
    }
    await run('PRAGMA synchronous = FULL');
    // On macOS a plain fsync leaves the data in the drive's cache.
    await run('PRAGMA fullfsync = ON');
    if ((await run('PRAGMA application_id'))?.['application_id'] !== APPLICATION_ID)
      await run(`PRAGMA application_id = ${APPLICATION_ID}`);
    return handle;
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** Opens a file and its log, if a process that uses it or has crashed left one, in a way that changes neither. */
export function openReadOnly(path: string): DatabaseSync {
  // A file without a log is read as it stands: otherwise reading it would write a log and an index beside it.
  return existsSync(`${path}-wal`) ? new DatabaseSync(path, { readOnly: true, timeout: 2_000 }) : openAsItStands(path);
}

/** Opens a file without its log and without locks. */
function openAsItStands(path: string): DatabaseSync {
  const url = pathToFileURL(resolve(path));
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** True for a file that holds anything of another program. */
export function belongsToAnotherProgram(handle: DatabaseSync): boolean {
  const { mark, objects, columns } = handle.prepare(OWNERSHIP).get() as Record<'mark' | 'objects' | 'columns', number>;
  if (mark === APPLICATION_ID) return false;
  return mark !== 0 || (objects > 0 && columns < 2);
}

function refuseForeign(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const handle = withSqliteErrors(() => openReadOnly(path));
  try {
    if (!withSqliteErrors(() => belongsToAnotherProgram(handle))) return;
  } finally {
    handle.close();
  }
  throw new DatabaseUnavailableError('the file belongs to another program', { cause: null });
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

const INTERVAL_MS = 1_000;
const REPLACED = 'its file was removed or replaced';
/** The layout of a write-ahead log: a header, then frames of a header, which begins with a page's number, and that page. */
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Watches the files behind an open SQLite database. The system lets a process write on into files that were removed or replaced,
 * and what is committed there is lost. The result throws in that case; it looks at the files at most once a second.
 */
export function watchFiles(path: string, handle: DatabaseSync): () => void {
  const main = resolve(path);
  const files = [main, `${main}-wal`, `${main}-shm`];
  const opened = files.map(look);
  let last = opened;
  let lookedAtMs = performance.now();
  const lookAgain = (nowMs: number): void => {
    const found = files.map(look);
    if (found.some(({ identity }, index) => identity !== opened[index]?.identity)) throw unusable(REPLACED);
    const hasShrunk = found.some(({ size }, index) => size < (last[index]?.size ?? 0));
    if (hasShrunk && isTruncated(main, handle)) throw unusable('its file was truncated');
    const isWritten = found[0]?.writtenMs !== last[0]?.writtenMs;
    if (isWritten && holdsAnother(main, handle)) throw unusable(REPLACED);
    last = found;
    lookedAtMs = nowMs;
  };
  return () => {
    const nowMs = performance.now();
    if (nowMs - lookedAtMs >= INTERVAL_MS) withSqliteErrors(() => lookAgain(nowMs), toWatchFailure);
  };
}

interface Look {
  readonly identity: string;
  readonly size: number;
  readonly writtenMs: number;
}

function look(file: string): Look {
  const { dev = 0, ino = 0, size = 0, mtimeMs = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return { identity: `${dev}:${ino}`, size, writtenMs: mtimeMs };
}

/** True when the file, overwritten in place, holds another program's database, or one that began at another time. */
function holdsAnother(path: string, handle: DatabaseSync): boolean {
  const held = openAsItStands(path);
  try {
    if (belongsToAnotherProgram(held)) return true;
    const [found, expected] = [readBeginning(held), readBeginning(handle)];
    return found !== null && expected !== null && found !== expected;
  } finally {
    held.close();
  }
}

/** Null while only the log holds it. */
function readBeginning(handle: DatabaseSync): unknown {
  try {
    return handle.prepare('SELECT applied_at FROM schema_migrations WHERE number = 1').get()?.['applied_at'] ?? null;
  } catch {
    return null;
  }
}

/** True when a page is neither in the file nor in the log. VACUUM and a checkpoint that truncates the log lose none. */
function isTruncated(path: string, handle: DatabaseSync): boolean {
  const read = (pragma: string, column: string) => Number(handle.prepare(`PRAGMA ${pragma}`).get()?.[column]);
  const pageBytes = read('page_size', 'page_size');
  const pages = read('page_count', 'page_count');
  const frames = read('wal_checkpoint(NOOP)', 'log');
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const heldPages = Math.floor(look(path).size / pageBytes);
  const isLogCut = frames > 0 && look(`${path}-wal`).size < LOG_HEADER_BYTES + frames * frameBytes;
  if (isLogCut || heldPages === 0) return true;
  if (pages <= heldPages) return false;
  const beyond = readLoggedPages(`${path}-wal`, frames, frameBytes).filter((page) => page > heldPages && page <= pages);
  return new Set(beyond).size < pages - heldPages;
}

function readLoggedPages(path: string, frames: number, frameBytes: number): readonly number[] {
  const log = openSync(path, 'r');
  try {
    const number = Buffer.alloc(4);
    return Array.from({ length: frames }, (_, index) => {
      readSync(log, number, 0, 4, LOG_HEADER_BYTES + index * frameBytes);
      return number.readUInt32BE();
    });
  } finally {
    closeSync(log);
  }
}

/** The failure behind an error of a look, which comes before anything is written. */
function toWatchFailure(error: unknown): DatabaseUnavailableError {
  const failure = toSqliteFailure(error);
  if (failure instanceof DatabaseUnavailableError) return failure;
  return new DatabaseUnavailableError('its files cannot be looked at', { cause: error });
}

function unusable(reason: string): DatabaseUnavailableError {
  return new DatabaseUnavailableError(reason, { cause: null });
}
