import { Socket } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import { toConnectFailure } from './postgres-failure.ts';

export interface PostgresPool {
  /** A connection of one's own, to be released; throws DatabaseUnavailableError. */
  connect(): Promise<PoolClient>;
  /** Closes every connection once it is released. */
  end(): Promise<void>;
  /** Closes every connection now. */
  destroy(): Promise<void>;
}

export interface PostgresPoolOptions {
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** The server's time-out comes first, and leaves the connection usable. */
export const CLIENT_TIMEOUT_GRACE_MS = 2_000;

const MAX_CONNECTIONS = 10;
/** int2, int4 and int8; everything else this project keeps is text. */
const INTEGER_TYPES: ReadonlySet<number> = new Set([20, 21, 23]);
/** Otherwise a crash of the server may take back what it has acknowledged. */
const KEEP_DURABLE = `SELECT set_config(name, 'on', false) FROM pg_settings
  WHERE name = 'synchronous_commit' AND setting = 'off'`;

export function createPostgresPool(
  address: string,
  { statementTimeoutMs, connectTimeoutMs }: PostgresPoolOptions,
): PostgresPool {
  const sockets = new Set<Socket>();
  const pool = new Pool({
    connectionString: address,
    application_name: 'account-task-gateway',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + CLIENT_TIMEOUT_GRACE_MS,
    idle_in_transaction_session_timeout: 3 * statementTimeoutMs,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: toParser },
    stream: () => {
      const socket = new Socket();
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      return socket;
    },
  });
  // A connection that fails while nobody uses it has left the pool already; without a listener it would end the process.
  pool.on('error', ignore);
  pool.on('connect', (client) => {
    client.on('error', ignore);
    client.query(KEEP_DURABLE).catch(ignore);
  });
  return {
    connect: () =>
      pool.connect().catch((error: unknown) => {
        throw toConnectFailure(error);
      }),
    end: () => pool.end(),
    async destroy() {
      await pool.end();
      // The driver leaves a connection open that it could not log in to, until the server has had enough of it.
      for (const socket of sockets) socket.destroy();
    },
  };
}

function toParser(type: number): (text: string) => string | number {
  return INTEGER_TYPES.has(type) ? Number : String;
}

function ignore(): void {}
