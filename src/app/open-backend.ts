import { tokenAuthentication, type VerifyToken } from '../auth/authenticate.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import { BODY_FIELDS } from '../contract/operations.ts';
import type { Store } from '../store/store.ts';
import { xmlProblem } from '../wire/xml-document.ts';
import type { Config } from './config.ts';
import type { Backend } from './gateway.ts';
import type { Observers } from './observers.ts';

/** A whole batch shares one commit in the store. */
const BATCH_CONCURRENCY = 100;

/** Opens the configured backend; the code of the other one is not loaded. */
export async function openBackend(config: Config, observers: Observers): Promise<Backend> {
  if (config.upstream) {
    const { openUpstreamBackend } = await import('./upstream-backend.ts');
    return openUpstreamBackend(config, config.upstream, observers, await openTokenVerifier(config, observers));
  }
  const { openStore } = await import('../store/store.ts');
  const store = await openStore({ ...config, observeCommits: observers.metrics.observeCommits });
  return storeBackend(store, config, observers);
}

/** Puts authentication, validation and metrics in front of an open store. */
export async function storeBackend(store: Store, config: Config, observers: Observers): Promise<Backend> {
  const observed = observers.metrics.observeWrites(store.tasks, { backend: 'store', tables: config });
  return {
    tasks: checkedTaskService(observed, {
      xmlProblem,
      travelsAsXml: false,
      keyRefusal: null,
      requiresKey: config.requiresIdempotencyKey,
      minSecretLength: BODY_FIELDS.Secret.storeMinLength,
    }),
    authenticate: tokenAuthentication(
      (token) => store.tokens.verify(token),
      await openTokenVerifier(config, observers),
    ),
    issueToken: async (clientId, clientSecret) => {
      const client = await store.clients.verifySecret(clientId, clientSecret);
      return client && store.tokens.issue({ accountId: client.accountId, clientId: client.id });
    },
    batchConcurrency: BATCH_CONCURRENCY,
  };
}

/** Opens the verifier of callers' JWTs, if they are accepted; its code is loaded only then. */
async function openTokenVerifier({ auth }: Config, { metrics }: Observers): Promise<VerifyToken | null> {
  if (!auth) return null;
  const { createTokenVerifier } = await import('../auth/jwt.ts');
  return createTokenVerifier({ ...auth, onKeysUnavailable: () => metrics.countRefusal('issuer_keys') });
}
