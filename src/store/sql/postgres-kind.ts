import type { PoolClient } from 'pg';
import { DatabaseUnavailableError } from './database.ts';
import { toStatementFailure } from './postgres-failure.ts';

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
export function announcedBackend(client: PoolClient): number {
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
