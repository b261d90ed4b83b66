import { constants } from 'node:fs';
import { access, type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseUnavailableError } from '../../store/sql/database.ts';
import { toSqliteFailure } from '../../store/sql/sqlite-failure.ts';
import { belongsToAnotherProgram, openReadOnly } from '../../store/sql/sqlite-file.ts';
import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { broken, type Finding, ok, skipped, warning } from './finding.ts';
import { schemaFinding, storeFinding } from './schema-version.ts';

export interface SqliteExamination {
  readonly path: string;
  /** True if the gateway stores its tasks there, and not only records. */
  readonly isStore: boolean;
  /** Throws where this process may not write the file or folder. */
  readonly checkWritable?: (path: string) => Promise<void>;
}

const SUBJECT = 'database';
const MAGIC = 'SQLite format 3\0';
const WRITE_VERSION_AT = 18;
const NEWEST_WRITE_VERSION = 2;
const MIB = 1024 ** 2;
const LITTLE_SPACE_BYTES = 1024 * MIB;
const NO_SPACE_BYTES = 64 * MIB;
/** A larger one takes too long to read in whole. */
const MAX_CHECKED_BYTES = 256 * MIB;

/** Checks a SQLite file without changing it or its folder. */
export async function examineSqlite(examination: SqliteExamination): Promise<readonly Finding[]> {
  const { path } = examination;
  if (path === ':memory:')
    return [
      warning(SUBJECT, 'in memory: everything is lost when the gateway stops', 'Set DATABASE_URL=sqlite:<file>.'),
    ];
  const folder = await nearestFolder(resolve(path));
  if (folder === null) {
    return [
      broken(
        SUBJECT,
        `${path}: its folder cannot be created`,
        'Set DATABASE_URL to a path in a folder that can be created.',
      ),
    ];
  }
  return [...(await examineFile(examination, folder)), await spaceFinding(folder)];
}

async function examineFile(examination: SqliteExamination, folder: string): Promise<readonly Finding[]> {
  const { path, isStore, checkWritable = checkWritableFile } = examination;
  const file = await stat(path).catch(() => null);
  const unwritable = await Promise.all([checkWritable(folder), ...(file ? [checkWritable(path)] : [])]).then(
    () => false,
    () => true,
  );
  if (unwritable) {
    const user = 'Let the user that runs the gateway write to the file and its folder, or mount the volume read-write.';
    return [broken(SUBJECT, `${path}: cannot be written by this user`, user)];
  }
  if (file && !file.isFile())
    return [broken(SUBJECT, `${path}: is not a file`, 'Set DATABASE_URL to the path of a file.')];
  if (!file) return [ok(SUBJECT, `${path}: does not exist yet; the gateway creates it at startup`)];
  if (await isOfNewerFormat(path)) {
    const newer = 'Run the gateway with the Node version that wrote the file; SQLite is part of Node.';
    return [broken(SUBJECT, `${path}: a newer SQLite wrote it, and this one cannot write to it`, newer)];
  }
  try {
    const found = readFile(path, file.size);
    if (found.isForeign) {
      const own = 'Set DATABASE_URL to another file; the gateway does not start with this one.';
      return [broken(SUBJECT, `${path}: the file belongs to another program`, own)];
    }
    if (found.damage) {
      return [
        broken(
          SUBJECT,
          `${path}: is damaged (${found.damage})`,
          'Restore a backup, as described in docs/operations.md.',
        ),
      ];
    }
    const size = `${path}: ${toSize(file.size)}, readable and writable`;
    const { contents, store } = found;
    return [ok(SUBJECT, size), schemaFinding(contents), ...(isStore && store ? [storeFinding(store)] : [])];
  } catch (error) {
    const failure = toSqliteFailure(error);
    if (!(failure instanceof DatabaseUnavailableError)) throw failure;
    return [broken(SUBJECT, `${path}: ${failure.reason}`, 'Set DATABASE_URL to the right file, or restore a backup.')];
  }
}

function readFile(path: string, bytes: number) {
  const handle = openReadOnly(path);
  try {
    const read = (sql: string): unknown => Object.values(handle.prepare(sql).get() ?? {})[0];
    const has = (table: string): boolean =>
      handle.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !== undefined;
    const tables = Number(read("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'"));
    const checked = bytes <= MAX_CHECKED_BYTES ? String(read('PRAGMA quick_check(1)')) : 'ok';
    const isWhole = checked === 'ok';
    const version = has('schema_migrations') ? Number(read('SELECT MAX(number) FROM schema_migrations')) : null;
    const count = (table: string): number => Number(read(`SELECT COUNT(*) FROM ${table}`));
    const isStore = isWhole && version === NEWEST_MIGRATION;
    const store = isStore ? { clients: count('clients WHERE revoked_at IS NULL'), tasks: count('catalogue') } : null;
    return {
      isForeign: belongsToAnotherProgram(handle),
      damage: isWhole ? null : checked,
      contents: { tables, version },
      store,
    };
  } finally {
    handle.close();
  }
}

/** The 19th byte is the version of the format that is needed to write the file; this SQLite knows the first two. */
async function isOfNewerFormat(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, WRITE_VERSION_AT);
    return bytesRead === 1 && (buffer[0] ?? 0) > NEWEST_WRITE_VERSION && (await isSqlite(file));
  } finally {
    await file.close();
  }
}

async function isSqlite(file: FileHandle): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
  return buffer.toString('latin1') === MAGIC;
}

/** The folder the file is or will be in, or in which it will be created; null if that is not a folder. */
async function nearestFolder(path: string): Promise<string | null> {
  const folder = dirname(path);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) return found.code === 'ENOENT' && folder !== path ? nearestFolder(folder) : null;
  return found.isDirectory() ? folder : null;
}

async function checkWritableFile(path: string): Promise<void> {
  await access(path, constants.W_OK);
  if ((await stat(path)).isFile()) await (await open(path, 'r+')).close();
}

async function spaceFinding(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const fact = `${toSize(free)} free in ${folder}`;
  const remedy = 'Free some space: on a full disk, creates fail with STORE_UNAVAILABLE and nothing is stored.';
  if (free < NO_SPACE_BYTES) return broken('disk', fact, remedy);
  return free < LITTLE_SPACE_BYTES ? warning('disk', fact, remedy) : ok('disk', fact);
}

export function noDatabase(): Finding {
  return skipped(SUBJECT, 'not used because RECORD=off');
}

function toSize(bytes: number): string {
  return bytes < 1024 * MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / MIB / 1024).toFixed(1)} GiB`;
}
