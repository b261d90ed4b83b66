import type { PoolClient } from 'pg';
import { DatabaseUnavailableError } from './database.ts';
import { toStatementFailure } from './postgres-failure.ts';

/** The ways in which servers that speak PostgreSQL's protocol differ. */
export interface PostgresKind {
  /** True where an advisory lock keeps other transactions out. */
  readonly hasLocks: boolean;
  /** The clause by which text compares by its bytes. */
  readonly collation: string;
  /** True behind a connection pooler: the next transaction of a connection may run in another session. */
  readonly isPooled: boolean;
  /** False where a crash of the server may take back an acknowledged commit. */
  readonly isDurable: boolean;
}

interface Facts {
  readonly version: string;
  readonly encoding: string;
  readonly durability: string | null;
  readonly backend: number;
}

/** SQL_ASCII stores the bytes of any text as they come. */
const COMPLETE_ENCODINGS: ReadonlySet<string> = new Set(['UTF8', 'SQL_ASCII']);

/** @throws DatabaseUnavailableError where the database cannot hold every text. */
export async function recognizePostgres(client: PoolClient): Promise<PostgresKind> {
  const { version, encoding, durability, backend } = await readFacts(client);
  if (!holdsEveryText(encoding)) throw new DatabaseUnavailableError(toEncodingProblem(encoding), { cause: null });
  const isDurable = durability !== 'off';
  const isPooled = backend !== announcedBackend(client);
  // CockroachDB compares by bytes anyway; its advisory locks are empty, but its transactions run again on conflict.
  if (/CockroachDB/i.test(version)) return { hasLocks: false, collation: '', isPooled, isDurable };
  const hasLocks = await client.query('SELECT pg_try_advisory_xact_lock(0)').then(
    () => true,
    () => false,
  );
  return { hasLocks, collation: 'COLLATE "C"', isPooled, isDurable };
}

export function holdsEveryText(encoding: string): boolean {
  return COMPLETE_ENCODINGS.has(encoding);
}

export function toEncodingProblem(encoding: string): string {
  return `its encoding is ${encoding}, which cannot hold every text; it has to be UTF8`;
}

/** The identifier of the server process behind a connection, as announced at the start; a connection pooler makes one up. */
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
