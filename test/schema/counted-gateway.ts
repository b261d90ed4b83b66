import { onTestFinished } from 'vitest';
import { storeBackend } from '../../src/app/open-backend.ts';
import { type RunningGateway, startGateway } from '../support/running-gateway.ts';
import type { DatabaseKind } from '../support/databases.ts';
import { sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';

export interface CountedGateway extends RunningGateway {
  /** Returns the commits and single reads of the database since the last call. */
  readonly takeCounts: () => { readonly commits: number; readonly reads: number };
  /** A bearer token of another account. */
  readonly foreignToken: string;
}

/** Starts a gateway on a new store and counts the accesses to its database. Both are closed after the test. */
export async function startCountedGateway(kind: DatabaseKind): Promise<CountedGateway> {
  let counts = { commits: 0, reads: 0 };
  const { store, database } = await sampleStore(kind, {}, (own) => ({
    ...own,
    read(sql, parameters) {
      counts.reads += 1;
      return own.read(sql, parameters);
    },
    async transaction(work) {
      const result = await own.transaction(work);
      counts.commits += 1;
      return result;
    },
  }));
  const [token, foreignToken] = await Promise.all(
    ['test', 'foreign'].map(async (name) => {
      const client = await addClient(database, { name });
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
