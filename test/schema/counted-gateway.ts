import { onTestFinished } from 'vitest';
import { storeBackend } from '../../src/app/store-backend.ts';
import { type RunningGateway, startGateway } from '../support/running-gateway.ts';
import type { DatabaseKind } from '../support/databases.ts';
import { sampleStore } from '../support/sample-account.ts';

export interface CountedGateway extends RunningGateway {
  /** How many commits and how many single statements the database has seen since this was last asked. */
  readonly takeCounts: () => { readonly commits: number; readonly reads: number };
  /** A bearer token of another account. */
  readonly foreignToken: string;
}

/** A gateway over a store of its own that counts what reaches its database; both are gone when the test is over. */
export async function startCountedGateway(kind: DatabaseKind): Promise<CountedGateway> {
  let counts = { commits: 0, reads: 0 };
  const { store } = await sampleStore(kind, {}, (database) => ({
    ...database,
    read(sql, parameters) {
      counts.reads += 1;
      return database.read(sql, parameters);
    },
    async transaction(work) {
      const result = await database.transaction(work);
      counts.commits += 1;
      return result;
    },
  }));
  const [token, foreignToken] = await Promise.all(
    ['test', 'foreign'].map(async (name) => {
      const { client } = await store.clients.create({ name });
      return (await store.tokens.issue({ accountId: client.accountId, clientId: client.id })).token;
    }),
  );
  const gateway = await startGateway((config, observers) => storeBackend(store, config, observers), {
    authorization: `Bearer ${token}`,
  });
  onTestFinished(() => gateway.close());
  return {
    ...gateway,
    foreignToken: foreignToken ?? '',
    takeCounts() {
      const taken = counts;
      counts = { commits: 0, reads: 0 };
      return taken;
    },
  };
}
