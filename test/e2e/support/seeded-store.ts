import { SAMPLE_TASK_ID } from '../../../src/app/demo.ts';
import { createStore, openDatabase } from '../../../src/store/store.ts';
import { addClient } from '../../support/client-without-secret.ts';

/** Adds a client and the sample task to a database; returns the client's Authorization header. */
export async function seedStore(databaseUrl: string): Promise<string> {
  const [authorization = ''] = await seedCallers(databaseUrl, 1);
  return authorization;
}

/** Adds the sample task and clients of different accounts to a database; returns the clients' Authorization headers. */
export async function seedCallers(databaseUrl: string, count: number): Promise<readonly string[]> {
  const database = await openDatabase(databaseUrl);
  const store = createStore(database);
  try {
    await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Sample task' });
    const callers: string[] = [];
    for (let number = 0; number < count; number += 1) {
      const { id, accountId } = await addClient(database, { name: 'load' });
      const { token } = await store.tokens.issue({ accountId, clientId: id });
      callers.push(`Bearer ${token}`);
    }
    return callers;
  } finally {
    await store.close();
  }
}
