import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { openStore } from '../../src/store/store.ts';

/** Creates a seeded store in a file, with the variables for a gateway that opens it. */
export async function startStore() {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
  const databaseUrl = `sqlite:${join(folder, 'gateway.db')}`;
  const store = await openStore({ databaseUrl });
  const { client, secret } = await store.clients.create({ name: 'test' });
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  return {
    env: { DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent', MAX_BODY_BYTES: '4096' },
    store: {
      async close() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    },
    authorization: `Bearer ${token}`,
    clientId: client.id,
    clientSecret: secret,
  };
}
