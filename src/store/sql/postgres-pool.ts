import { Socket } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import { DatabaseUnavailableError } from './database.ts';
import { toConnectFailure, toStatementFailure } from './postgres-failure.ts';

interface PostgresPoolOptions {
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** Lets the server's time-out come first, which leaves the connection usable. */
export const CLIENT_TIMEOUT_GRACE_MS = 2_000;

const MAX_CONNECTIONS = 10;
/** The type IDs of int8, int2 and int4; all other columns are text. */
const INTEGER_TYPES: ReadonlySet<number> = new Set([20, 21, 23]);

export function createPostgresPool(address: string, { statementTimeoutMs, connectTimeoutMs }: PostgresPoolOptions) {
  const sockets = new Set<Socket>();
  const pool = new Pool({
    connectionString: address,
    application_name: 'account-task-gateway',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs + CLIENT_TIMEOUT_GRACE_MS,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: toParser },
    stream: () => {
      const socket = new Socket();
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      return socket;
    },
  });
  // The pool has already removed an idle connection that fails; without a listener the error would end the process.
  pool.on('error', ignore);
  pool.on('connect', (client) => {
    client.on('error', ignore);
    client.query(toSessionSettings(client, statementTimeoutMs)).catch(ignore);
  });
  return {
    /** Returns a connection, which the caller must release. @throws DatabaseUnavailableError */
    connect: (): Promise<PoolClient> =>
      pool.connect().catch((error: unknown) => {
        throw toConnectFailure(error);
      }),
    /** Closes each connection once it is released. */
    end: (): Promise<void> => pool.end(),
    /** Closes all connections now. */
    async destroy(): Promise<void> {
      await pool.end();
      // The driver does not close a connection whose login failed.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Returns SQL that begins a transaction with the settings that do not last behind a connection pooler. */
export function beginInPool(statementTimeoutMs: number, isDurable: boolean): string {
  const settings = [
    `statement_timeout = ${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout = ${3 * statementTimeoutMs}`,
    ...(isDurable ? [] : ['synchronous_commit = on']),
  ];
  return ['BEGIN', ...settings.map((setting) => `SET LOCAL ${setting}`)].join('; ');
}

/** Returns SQL that sets up a session, unless a pooler shares it. Poolers refuse these settings as connection parameters. */
function toSessionSettings(client: PoolClient, statementTimeoutMs: number): string {
  return `SELECT set_config('statement_timeout', '${statementTimeoutMs}', false),
    set_config('idle_in_transaction_session_timeout', '${3 * statementTimeoutMs}', false),
    -- Otherwise a crash of the server may lose acknowledged commits.
    CASE WHEN current_setting('synchronous_commit', true) = 'off' THEN set_config('synchronous_commit', 'on', false) END,
    -- An index has each page in order. Where few rows are expected, the planner would read and sort all that a bitmap finds.
    CASE WHEN current_setting('enable_bitmapscan', true) = 'on' THEN set_config('enable_bitmapscan', 'off', false) END
    WHERE pg_backend_pid() = ${announcedBackend(client)}`;
}

function toParser(type: number): (text: string) => string | number {
  return INTEGER_TYPES.has(type) ? Number : String;
}

function ignore(): void {}

/** The differences between servers that speak PostgreSQL's protocol. */
export interface PostgresKind {
  /** True if advisory locks exclude other transactions. */
  readonly hasLocks: boolean;
  /** The COLLATE clause that makes text compare by its bytes. */
  readonly collation: string;
  /** True behind a connection pooler: a connection's next transaction may run in another session. */
  readonly isPooled: boolean;
  /** False if a crash of the server may lose an acknowledged commit. */
  readonly isDurable: boolean;
}

interface Facts {
  readonly version: string;
  readonly encoding: string;
  readonly durability: string | null;
  readonly backend: number;
}

/** SQL_ASCII stores the bytes of any text unchanged. */
const COMPLETE_ENCODINGS: ReadonlySet<string> = new Set(['UTF8', 'SQL_ASCII']);

/** Detects the server's kind. @throws DatabaseUnavailableError if its encoding cannot represent every character. */
export async function detectPostgresKind(client: PoolClient): Promise<PostgresKind> {
  const { version, encoding, durability, backend } = await readFacts(client);
  if (!COMPLETE_ENCODINGS.has(encoding)) {
    const reason = `its encoding is ${encoding}, which cannot represent every character; it must be UTF8`;
    throw new DatabaseUnavailableError(reason, { cause: null });
  }
  const isDurable = durability !== 'off';
  const isPooled = backend !== announcedBackend(client);
  // CockroachDB compares by bytes by default. Its advisory locks do nothing, but conflicting transactions run again.
  if (/CockroachDB/i.test(version)) return { hasLocks: false, collation: '', isPooled, isDurable };
  const hasLocks = await client.query('SELECT pg_try_advisory_xact_lock(0)').then(
    () => true,
    () => false,
  );
  return { hasLocks, collation: 'COLLATE "C"', isPooled, isDurable };
}

/** Returns the server process ID that was announced for a connection. A connection pooler announces an invented one. */
function announcedBackend(client: PoolClient): number {
  return (client as PoolClient & { readonly processID?: number | null }).processID ?? 0;
}

async function readFacts(client: PoolClient): Promise<Facts> {
  try {
    const { rows } = await client.query<Facts>(
      `SELECT version() AS version, current_setting('server_encoding') AS encoding,
        current_setting('synchronous_commit', true) AS durability, pg_backend_pid() AS backend`,
    );
    return rows[0] as Facts;
  } catch (error) {
    throw toStatementFailure(error);
  }
}
