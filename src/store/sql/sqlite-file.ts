import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { DatabaseUnavailableError } from './database.ts';
import type { LockWait } from './lock-wait.ts';
import { attempt } from './sqlite-failure.ts';

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
  const handle = attempt(() => new DatabaseSync(path, { enableForeignKeyConstraints: true }));
  try {
    const run = (sql: string) => waitForLock(async () => attempt(() => handle.prepare(sql).get()));
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
export function openAsItStands(path: string): DatabaseSync {
  const url = pathToFileURL(resolve(path));
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** True for a file that holds anything of another program. */
export function isForeign(handle: DatabaseSync): boolean {
  const { mark, objects, columns } = handle.prepare(OWNERSHIP).get() as Record<'mark' | 'objects' | 'columns', number>;
  if (mark === APPLICATION_ID) return false;
  return mark !== 0 || (objects > 0 && columns < 2);
}

function refuseForeign(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const handle = attempt(() => openReadOnly(path));
  try {
    if (!attempt(() => isForeign(handle))) return;
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
