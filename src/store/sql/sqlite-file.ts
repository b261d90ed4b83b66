import { existsSync, mkdirSync, statSync, closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { DatabaseUnavailableError } from './database.ts';
import { type LockWait, toSqliteFailure, withSqliteErrors } from './sqlite-failure.ts';

const IN_MEMORY = ':memory:';
/** The SQLite application ID of our files: "ATGW". */
const APPLICATION_ID = 0x41544757;
/** A file without an application ID is ours if it has our migrations table: version 0.1 did not set the ID. */
const OWNERSHIP = `SELECT (SELECT application_id FROM pragma_application_id) AS mark,
  (SELECT COUNT(*) FROM sqlite_schema) AS objects,
  (SELECT COUNT(*) FROM pragma_table_info('schema_migrations') WHERE name IN ('number', 'applied_at')) AS columns`;

/**
 * Opens a SQLite file for this program, or `:memory:`. Creates the file and its folder if they are missing.
 * @throws DatabaseUnavailableError if the file cannot be used. A file of another program is not changed.
 */
export async function openSqliteFile(path: string, waitForLock: LockWait): Promise<DatabaseSync> {
  if (path !== IN_MEMORY) {
    createFolder(dirname(path));
    // Another program's file is refused before anything is written to it.
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) await waitForLock(async () => openReadOnly(path).close());
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

/**
 * Opens a file without changing it. Includes the write-ahead log of a process that uses the file or has crashed.
 * @throws DatabaseUnavailableError if the file cannot be read or contains data of another program.
 */
export function openReadOnly(path: string): DatabaseSync {
  // Without a log the file is opened as immutable: otherwise SQLite would create a log and an index beside it.
  const open = () =>
    existsSync(`${path}-wal`) ? new DatabaseSync(path, { readOnly: true, timeout: 2_000 }) : openImmutable(path);
  const handle = withSqliteErrors(open);
  try {
    if (!withSqliteErrors(() => belongsToAnotherProgram(handle))) return handle;
    throw new DatabaseUnavailableError('the file belongs to another program', { cause: null });
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** Opens a file read-only, ignoring its log and locks. */
function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(resolve(path));
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** Returns true if the file contains data of another program. */
function belongsToAnotherProgram(handle: DatabaseSync): boolean {
  const { mark, objects, columns } = handle.prepare(OWNERSHIP).get() as Record<'mark' | 'objects' | 'columns', number>;
  if (mark === APPLICATION_ID) return false;
  return mark !== 0 || (objects > 0 && columns < 2);
}

function createFolder(folder: string): void {
  if (isFolder(folder)) return;
  createFolder(dirname(folder));
  try {
    // One level at a time: with `recursive` Node never returns if an existing folder refuses a new one (/proc).
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
/** A write-ahead log is a header and frames. Each frame is a header, which starts with the page number, and the page. */
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Creates a check of the files behind an open SQLite database. The operating system lets a process keep writing to files
 * that were removed or replaced, and such commits are lost. The check throws then; it reads the files at most once a second.
 */
export function watchFiles(path: string, handle: DatabaseSync): () => void {
  const main = resolve(path);
  const files = [main, `${main}-wal`, `${main}-shm`];
  const opened = files.map(readFileState);
  let last = opened;
  let checkedAtMs = performance.now();
  const checkFiles = (nowMs: number): void => {
    const found = files.map(readFileState);
    if (found.some(({ identity }, index) => identity !== opened[index]?.identity)) throw unusable(REPLACED);
    const hasShrunk = found.some(({ size }, index) => size < (last[index]?.size ?? 0));
    if (hasShrunk && isTruncated(main, handle)) throw unusable('its file was truncated');
    const isWritten = found[0]?.writtenMs !== last[0]?.writtenMs;
    if (isWritten && isOverwritten(main, handle)) throw unusable(REPLACED);
    last = found;
    checkedAtMs = nowMs;
  };
  return () => {
    const nowMs = performance.now();
    if (nowMs - checkedAtMs >= INTERVAL_MS) withSqliteErrors(() => checkFiles(nowMs), toWatchFailure);
  };
}

interface FileState {
  readonly identity: string;
  readonly size: number;
  readonly writtenMs: number;
}

function readFileState(file: string): FileState {
  const { dev = 0, ino = 0, size = 0, mtimeMs = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return { identity: `${dev}:${ino}`, size, writtenMs: mtimeMs };
}

/** Returns true if the file was overwritten in place, by another program's database or one created at another time. */
function isOverwritten(path: string, handle: DatabaseSync): boolean {
  const held = openImmutable(path);
  try {
    if (belongsToAnotherProgram(held)) return true;
    const [found, expected] = [readCreatedAt(held), readCreatedAt(handle)];
    return found !== null && expected !== null && found !== expected;
  } finally {
    held.close();
  }
}

/** Returns null while only the log contains the value. */
function readCreatedAt(handle: DatabaseSync): unknown {
  try {
    return handle.prepare('SELECT applied_at FROM schema_migrations WHERE number = 1').get()?.['applied_at'] ?? null;
  } catch {
    return null;
  }
}

/** Returns true if a page is neither in the file nor in the log. VACUUM and a truncating checkpoint lose no pages. */
function isTruncated(path: string, handle: DatabaseSync): boolean {
  const read = (pragma: string, column: string) => Number(handle.prepare(`PRAGMA ${pragma}`).get()?.[column]);
  const pageBytes = read('page_size', 'page_size');
  const pages = read('page_count', 'page_count');
  const frames = read('wal_checkpoint(NOOP)', 'log');
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const heldPages = Math.floor(readFileState(path).size / pageBytes);
  const isLogCut = frames > 0 && readFileState(`${path}-wal`).size < LOG_HEADER_BYTES + frames * frameBytes;
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

/** Converts an error of a file check, before which nothing was written. */
function toWatchFailure(error: unknown): DatabaseUnavailableError {
  const failure = toSqliteFailure(error);
  if (failure instanceof DatabaseUnavailableError) return failure;
  return new DatabaseUnavailableError('its files cannot be inspected', { cause: error });
}

function unusable(reason: string): DatabaseUnavailableError {
  return new DatabaseUnavailableError(reason, { cause: null });
}
