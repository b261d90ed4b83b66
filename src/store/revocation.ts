import { TaskFailure } from '../contract/failure.ts';
import type { SqlReader } from './sql/database.ts';
import { IS_NOT_REVOKED, readRevocation } from './secret.ts';

/** A condition of SQL that holds unless the client of this parameter was revoked. */
export function isNotRevoked(parameter: string): string {
  return `NOT EXISTS (SELECT 1 FROM clients WHERE id = ${parameter} AND NOT ${IS_NOT_REVOKED})`;
}

/** @throws TaskFailure when the client was revoked; a caller without a client is none that could be. */
export async function refuseRevoked(reader: SqlReader, clientId: string | null): Promise<void> {
  if (clientId === null) return;
  const sql = 'SELECT secret_hash FROM clients WHERE id = ?1';
  const [client] = await reader.read<{ secret_hash: string }>(sql, [clientId]);
  if (client && readRevocation(client.secret_hash) !== null) throw clientRevoked();
}

/** The failure of what is asked for with a token of a client that was revoked. */
export function clientRevoked(): TaskFailure {
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The client of this bearer token has been revoked.',
  );
}
