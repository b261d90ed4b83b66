import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { administer, DATABASES } from '../support/databases.ts';
import { sampleStore } from '../support/sample-account.ts';
import { bytesIn } from '../support/temporary-folder.ts';

const TABLES = ['clients', 'tokens'];

/** Reads everything that the database stores about clients and tokens. */
async function readEverything(databaseUrl: string): Promise<Buffer> {
  if (databaseUrl.startsWith('sqlite:')) return bytesIn(dirname(databaseUrl.slice('sqlite:'.length)));
  const rows = await Promise.all(TABLES.map((table) => administer(databaseUrl, `SELECT * FROM ${table}`)));
  return Buffer.from(JSON.stringify(rows));
}

test.each(DATABASES)('neither a secret nor a token can be read from %s', async (kind) => {
  const { store, databaseUrl } = await sampleStore(kind);
  const { client, secret } = await store.clients.create({ name: 'Findable name' });
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  const bytes = await readEverything(databaseUrl);
  expect(bytes.includes('Findable name')).toBe(true);
  for (const hidden of [secret, token]) {
    expect(bytes.includes(hidden)).toBe(false);
    expect(bytes.includes(Buffer.from(hidden, 'base64url'))).toBe(false);
  }
});
