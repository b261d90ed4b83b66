import { constants, existsSync, statfsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type DatabaseAddress, DatabaseUnavailableError, parseDatabaseAddress } from '../../store/sql/database.ts';
import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { openPostgres } from '../../store/sql/postgres.ts';
import { withSqliteErrors } from '../../store/sql/sqlite-failure.ts';
import { openReadOnly } from '../../store/sql/sqlite-file.ts';
import { broken, count, type Finding, ok, warning } from './finding.ts';

const SUBJECT = 'database';
const MIB = 1024 ** 2;
const LITTLE_SPACE_MIB = 1024;
const SQLITE_MIGRATED = "SELECT COUNT(*) AS number FROM sqlite_schema WHERE name = 'schema_migrations'";
const POSTGRES_MIGRATED = "SELECT COUNT(to_regclass('schema_migrations')) AS number";
const POSTGRES_FACTS = `SELECT version() AS version, current_setting('transaction_read_only') AS "readOnly",
  CAST(has_schema_privilege(current_schema(), 'CREATE') AS INTEGER) AS "mayCreate"`;

/** Reads the column "number" of the only row. */
type ReadNumber = (sql: string) => Promise<number>;

/** Checks a database without changing it. `isStore` is false if the gateway stores only records there. */
export async function examineDatabase(databaseUrl: string, isStore: boolean): Promise<readonly Finding[]> {
  const { kind, name } = parseDatabaseAddress(databaseUrl) as DatabaseAddress;
  try {
    return kind === 'sqlite' ? await examineSqlite(name, isStore) : await examinePostgres(databaseUrl, name, isStore);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    const otherwise = kind === 'sqlite' ? 'restore a backup' : 'see the log of the server';
    return [broken(SUBJECT, `${name}: ${error.reason}`, `Correct DATABASE_URL, or ${otherwise}.`)];
  }
}

/** Checks a SQLite file. `checkWritable` rejects if this process may not write the file or folder. */
export async function examineSqlite(
  path: string,
  isStore: boolean,
  checkWritable = (place: string) => access(place, constants.W_OK),
): Promise<readonly Finding[]> {
  if (path === ':memory:')
    return [warning(SUBJECT, 'in memory: lost when the gateway stops', 'Set DATABASE_URL=sqlite:<file>.')];
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  const file = statSync(path, { throwIfNoEntry: false });
  try {
    // The dot fails for a file.
    await checkWritable(`${folder}/.`);
    if (file) await checkWritable(path);
  } catch {
    const remedy = 'Let the user that runs the gateway write to the file and its folder.';
    return [broken(SUBJECT, `${path}: cannot be created or written by this user`, remedy)];
  }
  const { bavail, bsize } = statfsSync(folder);
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const fact = `${freeMib} MiB free in ${folder}`;
  const remedy = 'Free some space: on a full disk, creates fail with STORE_UNAVAILABLE and nothing is stored.';
  const space = freeMib < LITTLE_SPACE_MIB ? warning('disk', fact, remedy) : ok('disk', fact);
  if (!file) return [ok(SUBJECT, `${path}: does not exist yet; the gateway creates it at startup`), space];
  if (!file.isFile()) throw new DatabaseUnavailableError('is not a file', { cause: null });
  using handle = openReadOnly(path);
  const read = (sql: string) => withSqliteErrors(() => handle.prepare(sql).get());
  const check = read('PRAGMA quick_check(1)')?.['quick_check'];
  if (check !== 'ok') throw new DatabaseUnavailableError(`is damaged (${String(check)})`, { cause: null });
  const readNumber: ReadNumber = async (sql) => Number(read(sql)?.['number']);
  const content = await examineContent(readNumber, SQLITE_MIGRATED, isStore);
  return [ok(SUBJECT, `${path}: readable and writable`), ...content, space];
}

async function examinePostgres(address: string, name: string, isStore: boolean): Promise<readonly Finding[]> {
  const database = await openPostgres(address);
  try {
    const startMs = performance.now();
    const [{ version, readOnly, mayCreate } = {}] = await database.read(POSTGRES_FACTS);
    const product = String(version).split(' ').slice(0, 2).join(' ');
    const fact = `${name}: ${product}, ${(performance.now() - startMs).toFixed(1)} ms per round trip`;
    if (readOnly === 'on')
      return [broken(SUBJECT, `${fact}; it is read-only`, 'Set DATABASE_URL to the primary, not to a replica.')];
    const remedy = 'GRANT CREATE ON SCHEMA … TO the user: the gateway creates and changes tables at startup.';
    if (!mayCreate) return [broken(SUBJECT, `${fact}; the user may not create tables`, remedy)];
    const readNumber: ReadNumber = async (sql) => Number((await database.read(sql))[0]?.['number']);
    return [ok(SUBJECT, fact), ...(await examineContent(readNumber, POSTGRES_MIGRATED, isStore))];
  } finally {
    await database.close();
  }
}

/** Compares the schema with the one that this program needs, and counts what callers of the store need. */
async function examineContent(read: ReadNumber, isMigrated: string, isStore: boolean): Promise<readonly Finding[]> {
  const isEmpty = (await read(isMigrated)) === 0;
  const version = isEmpty ? 0 : await read('SELECT MAX(number) AS number FROM schema_migrations');
  const found = isEmpty ? 'empty' : `version ${version}`;
  if (version > NEWEST_MIGRATION) {
    const fact = `${found} is newer than this program supports (version ${NEWEST_MIGRATION})`;
    return [broken('schema', fact, 'Run the newer version of the gateway; migrations only go forward.')];
  }
  if (version < NEWEST_MIGRATION)
    return [ok('schema', `${found}; the gateway migrates it to version ${NEWEST_MIGRATION} at startup`)];
  const schema = ok('schema', `${found}, up to date`);
  if (!isStore) return [schema];
  const clients = await read('SELECT COUNT(*) AS number FROM clients WHERE revoked_at IS NULL');
  const tasks = await read('SELECT COUNT(*) AS number FROM catalogue');
  const fact = `${count(clients, 'client')}, ${count(tasks, 'task')} in the catalogue`;
  if (clients > 0 && tasks > 0) return [schema, ok('store', fact)];
  const command = clients === 0 ? 'client create --name NAME' : 'catalogue add --id GUID --name NAME';
  return [schema, warning('store', `${fact}: nothing can be created yet`, `Run: npm run cli -- ${command}`)];
}
