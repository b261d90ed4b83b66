import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
import { type Client, CLIENTS } from '../../src/store/clients.ts';
import type { Database } from '../../src/store/sql/database.ts';

/** Adds a client that no secret matches, for tests that need only its account or a token. Hashing a secret takes 40 ms of CPU time. */
export async function addClient(
  database: Database,
  { name = 'test', accountId = randomUUID() }: { readonly name?: string; readonly accountId?: string } = {},
): Promise<Client> {
  const client = { id: uuidv7(), accountId, name, createdAt: formatTimestamp(Date.now()), revokedAt: null };
  await database.transaction((transaction) => CLIENTS.insert(transaction, [{ ...client, secretHash: '' }]));
  return client;
}
