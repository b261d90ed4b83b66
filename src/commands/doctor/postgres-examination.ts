import { Client } from 'pg';
import { parseDatabaseAddress, DatabaseUnavailableError } from '../../store/sql/database.ts';
import { toConnectFailure, toStatementFailure } from '../../store/sql/postgres-failure.ts';
import { holdsEveryText, toEncodingProblem } from '../../store/sql/postgres-kind.ts';
import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { broken, type Finding, ok, warning } from './finding.ts';
import { schemaFinding, storeFinding } from './schema-version.ts';

export interface PostgresExamination {
  readonly address: string;
  /** True if the gateway stores its tasks there, and not only records. */
  readonly isStore: boolean;
}

const SUBJECT = 'database';
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const SLOW_MS = 20;
/** The most connections that one gateway process opens. */
const CONNECTIONS_PER_PROCESS = 10;

const FACTS = `SELECT version() AS version, current_setting('server_encoding') AS encoding, current_setting('transaction_read_only') AS read_only,
  has_schema_privilege(current_schema(), 'CREATE') AS may_create,
  (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()) AS tables,
  to_regclass('schema_migrations') IS NOT NULL AS is_migrated`;
/** A distributed relative of PostgreSQL may have none of these. */
const SERVER = `SELECT current_setting('fsync') AS fsync, current_setting('max_connections') AS most,
  (SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS taken`;
const STORE = `SELECT (SELECT COUNT(*) FROM clients WHERE revoked_at IS NULL) AS clients,
  (SELECT COUNT(*) FROM catalogue) AS tasks`;

type Row = Readonly<Record<string, unknown>>;

/** Checks a PostgreSQL database over one connection, and changes nothing. */
export async function examinePostgres({ address, isStore }: PostgresExamination): Promise<readonly Finding[]> {
  const name = parseDatabaseAddress(address)?.name ?? '';
  const client = new Client({
    connectionString: address,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'account-task-gateway doctor',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    const remedy =
      'Check host, port, user, password and database name in DATABASE_URL, and that the server admits this machine.';
    return [broken(SUBJECT, `${name}: ${toConnectFailure(error).reason}`, remedy)];
  }
  try {
    return await examine(client, name, isStore);
  } catch (error) {
    const failure = toStatementFailure(error);
    if (!(failure instanceof DatabaseUnavailableError)) throw error;
    return [broken(SUBJECT, `${name}: ${failure.reason}`, 'See the log of the database server.')];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function examine(client: Client, name: string, isStore: boolean): Promise<readonly Finding[]> {
  const read = async (sql: string): Promise<Row> => (await client.query<Row>(sql)).rows[0] ?? {};
  const facts = await read(FACTS);
  const latencyMs = await measureLatency(client);
  const product = String(facts['version']).split(' ').slice(0, 2).join(' ');
  const version = facts['is_migrated']
    ? (await read('SELECT MAX(number) AS version FROM schema_migrations'))['version']
    : null;
  const store = isStore && Number(version) === NEWEST_MIGRATION ? await read(STORE) : null;
  return [
    writableFinding(`${name}: ${product}, ${latencyMs.toFixed(1)} ms per round trip`, facts, latencyMs),
    schemaFinding({ tables: Number(facts['tables']), version: version === null ? null : Number(version) }),
    ...(store ? [storeFinding({ clients: Number(store['clients']), tasks: Number(store['tasks']) })] : []),
    ...(await read(SERVER).then(serverFindings, () => [])),
  ];
}

function writableFinding(
  fact: string,
  { encoding, read_only: readOnly, may_create: mayCreate }: Row,
  latencyMs: number,
): Finding {
  if (!holdsEveryText(String(encoding))) {
    const remedy = "Move it with pg_dump to a database made by CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'.";
    return broken(SUBJECT, `${fact}; ${toEncodingProblem(String(encoding))}`, remedy);
  }
  if (readOnly === 'on') {
    return broken(SUBJECT, `${fact}; it is read-only`, 'Set DATABASE_URL to the primary, not to a replica.');
  }
  if (!mayCreate) {
    const grant = 'GRANT CREATE ON SCHEMA … TO the user: the gateway creates and changes tables at startup.';
    return broken(SUBJECT, `${fact}; the user may not create tables`, grant);
  }
  if (encoding !== 'UTF8') {
    const remedy = 'Prefer a database with ENCODING UTF8, so that other programs read its text correctly.';
    return warning(SUBJECT, `${fact}; its encoding is ${String(encoding)}`, remedy);
  }
  if (latencyMs <= SLOW_MS) return ok(SUBJECT, fact);
  return warning(
    SUBJECT,
    `${fact}, which is slow`,
    'Run the gateway close to its database: every create waits for it.',
  );
}

function serverFindings({ fsync, most, taken }: Row): readonly Finding[] {
  const free = Number(most) - Number(taken);
  const fact = `${Number(taken)} of ${Number(most)} connections in use`;
  return [
    free >= CONNECTIONS_PER_PROCESS
      ? ok('connections', fact)
      : warning('connections', fact, `Raise max_connections: a gateway process uses up to ${CONNECTIONS_PER_PROCESS}.`),
    ...(fsync === 'off'
      ? [warning('durability', 'fsync is off: a crash of the server may lose acknowledged writes', 'Set fsync = on.')]
      : []),
  ];
}

/** The fastest of a few, since the first ones pay for more than the way. */
async function measureLatency(client: Client): Promise<number> {
  let fastestMs = Infinity;
  for (let rounds = 0; rounds < 5; rounds += 1) {
    const startMs = performance.now();
    await client.query('SELECT 1');
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  }
  return fastestMs;
}
