import { SAMPLE_TASK_ID } from '../../src/demo.ts';
import { openStore } from '../../src/store/store.ts';

/** Puts a client and the sample task into a database, and gives out the client's Authorization. */
export async function seedStore(databaseUrl: string): Promise<string> {
  const store = await openStore({ databaseUrl });
  try {
    const { client } = await store.clients.create({ name: 'load' });
    await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
    const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
    return `Bearer ${token}`;
  } finally {
    await store.close();
  }
}
