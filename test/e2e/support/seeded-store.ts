import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { openStore } from '../../../src/store/store.ts';

/** Adds a client and the sample task to a database; returns the client's Authorization header. */
export async function seedStore(databaseUrl: string): Promise<string> {
  const [authorization = ''] = await seedCallers(databaseUrl, 1);
  return authorization;
}

/** Adds the sample task and clients of different accounts to a database; returns the clients' Authorization headers. */
export async function seedCallers(databaseUrl: string, count: number): Promise<readonly string[]> {
  const store = await openStore({ databaseUrl });
  try {
    await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
    const callers: string[] = [];
    for (let number = 0; number < count; number += 1) {
      const { client } = await store.clients.create({ name: 'load' });
      const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
      callers.push(`Bearer ${token}`);
    }
    return callers;
  } finally {
    await store.close();
  }
}
