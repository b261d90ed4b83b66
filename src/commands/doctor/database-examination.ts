import { constants, existsSync, statfsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type DatabaseAddress, DatabaseUnavailableError, parseDatabaseAddress } from '../../store/sql/database.ts';
import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { openPostgres } from '../../store/sql/postgres.ts';
import { withSqliteErrors } from '../../store/sql/sqlite-failure.ts';
import { belongsToAnotherProgram, openReadOnly } from '../../store/sql/sqlite-file.ts';
import { broken, count, type Finding, ok, warning } from './finding.ts';

const SUBJECT = 'database';
const MIB = 1024 ** 2;
const LITTLE_SPACE_MIB = 1024;
const NO_SPACE_MIB = 64;
/** A larger one takes too long to read in whole. */
const MAX_CHECKED_BYTES = 256 * MIB;
const SQLITE_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const POSTGRES_TABLES =
  'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()';
const POSTGRES_FACTS = `SELECT version() AS version, current_setting('transaction_read_only') AS "readOnly",
  CAST(has_schema_privilege(current_schema(), 'CREATE') AS INTEGER) AS "mayCreate"`;

type Read = <Row>(sql: string) => Promise<readonly Row[]>;

function refuse(reason: string): never {
  throw new DatabaseUnavailableError(reason, { cause: null });
}

/** Checks a database without changing it. `isStore` is false if the gateway stores only records there. */
export async function examineDatabase(databaseUrl: string, isStore: boolean): Promise<readonly Finding[]> {
  const { kind, name } = parseDatabaseAddress(databaseUrl) as DatabaseAddress;
  try {
    return kind === 'sqlite' ? await examineSqlite(name, isStore) : await examinePostgres(databaseUrl, name, isStore);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    const remedy =
      kind === 'sqlite'
        ? 'Set DATABASE_URL to the right file, or restore a backup, as described in docs/operations.md.'
        : 'Check DATABASE_URL, that the server admits this machine, and the log of the server.';
    return [broken(SUBJECT, `${name}: ${error.reason}`, remedy)];
  }
}

/** Checks a SQLite file. `checkWritable` throws if this process may not write the file or folder. */
export async function examineSqlite(
  path: string,
  isStore: boolean,
  checkWritable = (place: string) => access(place, constants.W_OK),
): Promise<readonly Finding[]> {
  const inMemory = 'in memory: everything is lost when the gateway stops';
  if (path === ':memory:') return [warning(SUBJECT, inMemory, 'Set DATABASE_URL=sqlite:<file>.')];
  const file = statSync(path, { throwIfNoEntry: false });
  if (file?.isFile() === false)
    return [broken(SUBJECT, `${path}: is not a file`, 'Set DATABASE_URL to the path of a file.')];
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error('It is no folder.');
    await checkWritable(folder);
    if (file) await checkWritable(path);
  } catch {
    const remedy =
      'Let the user that runs the gateway write to the file and its folder, or mount the volume read-write.';
    return [broken(SUBJECT, `${path}: cannot be created or written by this user`, remedy)];
  }
  const missing = ok(SUBJECT, `${path}: does not exist yet; the gateway creates it at startup`);
  return [...(file ? await examineFile(path, file.size, isStore) : [missing]), spaceFinding(folder)];
}

async function examineFile(path: string, bytes: number, isStore: boolean): Promise<readonly Finding[]> {
  const handle = withSqliteErrors(() => openReadOnly(path));
  try {
    const read: Read = async (sql) => withSqliteErrors(() => handle.prepare(sql).all() as never);
    if (withSqliteErrors(() => belongsToAnotherProgram(handle))) refuse('the file belongs to another program');
    const [check] = bytes > MAX_CHECKED_BYTES ? [] : await read<{ quick_check: string }>('PRAGMA quick_check(1)');
    if (check && check.quick_check !== 'ok') refuse(`is damaged (${check.quick_check})`);
    return [ok(SUBJECT, `${path}: readable and writable`), ...(await contentFindings(read, SQLITE_TABLES, isStore))];
  } finally {
    handle.close();
  }
}

async function examinePostgres(address: string, name: string, isStore: boolean): Promise<readonly Finding[]> {
  const database = await openPostgres(address);
  try {
    const startMs = performance.now();
    const [facts = {}] = await database.read(POSTGRES_FACTS);
    const product = String(facts['version']).split(' ').slice(0, 2).join(' ');
    const fact = `${name}: ${product}, ${(performance.now() - startMs).toFixed(1)} ms per round trip`;
    if (facts['readOnly'] === 'on')
      return [broken(SUBJECT, `${fact}; it is read-only`, 'Set DATABASE_URL to the primary, not to a replica.')];
    const remedy = 'GRANT CREATE ON SCHEMA … TO the user: the gateway creates and changes tables at startup.';
    if (!facts['mayCreate']) return [broken(SUBJECT, `${fact}; the user may not create tables`, remedy)];
    const read: Read = (sql) => database.read<never>(sql);
    return [ok(SUBJECT, fact), ...(await contentFindings(read, POSTGRES_TABLES, isStore))];
  } finally {
    await database.close();
  }
}

/** Compares the schema with the one that this program needs, and counts what callers of the store need. */
async function contentFindings(read: Read, tablesSql: string, isStore: boolean): Promise<readonly Finding[]> {
  const readNumber = async (sql: string) => Number((await read<{ number: number }>(sql))[0]?.number);
  const tables = (await read<{ name: string }>(tablesSql)).map(({ name }) => name);
  const isMigrated = tables.includes('schema_migrations');
  const version = isMigrated ? await readNumber('SELECT MAX(number) AS number FROM schema_migrations') : null;
  const schema = schemaFinding(tables.length, version);
  if (!isStore || version !== NEWEST_MIGRATION) return [schema];
  const clients = await readNumber('SELECT COUNT(*) AS number FROM clients WHERE revoked_at IS NULL');
  const tasks = await readNumber('SELECT COUNT(*) AS number FROM catalogue');
  const fact = `${count(clients, 'client')}, ${count(tasks, 'task')} in the catalogue`;
  if (clients > 0 && tasks > 0) return [schema, ok('store', fact)];
  const command = clients === 0 ? 'client create --name NAME' : 'catalogue add --id GUID --name NAME';
  return [schema, warning('store', `${fact}: nothing can be created yet`, `Run: npm run cli -- ${command}`)];
}

function schemaFinding(tables: number, version: number | null): Finding {
  if (version === null && tables > 0) {
    const remedy = 'Give the gateway a database of its own; at startup it would add its tables to these.';
    return warning('schema', `contains ${count(tables, 'table')} of other programs`, remedy);
  }
  if (version === null) return ok('schema', `empty; the gateway creates version ${NEWEST_MIGRATION} at startup`);
  if (version === NEWEST_MIGRATION) return ok('schema', `version ${version}, up to date`);
  if (version < NEWEST_MIGRATION)
    return ok('schema', `version ${version}; the gateway migrates it to version ${NEWEST_MIGRATION} at startup`);
  const fact = `version ${version} is newer than this program supports (version ${NEWEST_MIGRATION})`;
  return broken('schema', fact, 'Run the newer version of the gateway; migrations only go forward.');
}

function spaceFinding(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const fact = `${freeMib} MiB free in ${folder}`;
  if (freeMib >= LITTLE_SPACE_MIB) return ok('disk', fact);
  const remedy = 'Free some space: on a full disk, creates fail with STORE_UNAVAILABLE and nothing is stored.';
  return (freeMib < NO_SPACE_MIB ? broken : warning)('disk', fact, remedy);
}
