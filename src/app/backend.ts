import type { AuthConfig, Config } from './config.ts';
import { checkedTaskService } from '../contract/checked-task-service.ts';
import type { EnumTables } from '../contract/enums.ts';
import type { TaskService } from '../contract/task-service.ts';
import { type Authenticate, tokenAuthentication, type VerifyToken } from '../auth/authenticate.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { observedTaskService } from '../telemetry/observed-task-service.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { Tracing } from '../telemetry/request-record.ts';
import type { IssueToken } from '../auth/token-endpoint.ts';
import type { ObserveCommits } from '../store/group-commit.ts';
import type { Store } from '../store/store.ts';
import { xmlProblem } from '../wire/xml-document.ts';

/** A backend with the credentials it takes. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** Null: the backend gives out no tokens. */
  readonly issueToken: IssueToken | null;
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
}

/** Where a backend says what it did. */
export interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: requests are not logged. */
  readonly requestLog?: RequestLog;
  /** Absent or null: there are no traces. */
  readonly tracing?: Tracing | null;
}

/** In the store all of a batch shares one commit. */
const BATCH_CONCURRENCY = 100;

/** The backend that the configuration asks for; what only the others need is not loaded. */
export async function openBackend(config: Config, observers: Observers): Promise<Backend> {
  if (config.upstream) {
    const { openUpstreamBackend } = await import('./upstream-backend.ts');
    return openUpstreamBackend(config, config.upstream, observers);
  }
  const { openStore } = await import('../store/store.ts');
  const store = await openStore({ ...config, observeCommits: observeCommits(observers.metrics) });
  return storeBackend(store, config, observers);
}

export async function storeBackend(store: Store, config: Config, { metrics }: Observers): Promise<Backend> {
  const observed = observedTaskService(store.tasks, { backend: 'store', tables: toTables(config), metrics });
  return {
    tasks: checkedTaskService(observed, { xmlProblem, travelsAsXml: false, keyRefusal: null }),
    authenticate: tokenAuthentication(
      (token) => store.tokens.verify(token),
      config.auth && (await openTokenVerifier(config.auth, metrics)),
    ),
    issueToken: async (clientId, clientSecret) => {
      const client = await store.clients.verifySecret(clientId, clientSecret);
      return client && store.tokens.issue({ accountId: client.accountId, clientId: client.id });
    },
    batchConcurrency: BATCH_CONCURRENCY,
  };
}

/** Commits as the metrics see them. */
export function observeCommits(metrics: Metrics): ObserveCommits {
  return (kind) => ({ ...metrics.commits(kind), onRefused: () => metrics.countRefusal('pending_writes') });
}

/** Loaded by those only who take JWTs. */
export async function openTokenVerifier(auth: AuthConfig, metrics: Metrics): Promise<VerifyToken> {
  const { createTokenVerifier } = await import('../auth/jwt.ts');
  return createTokenVerifier({ ...auth, onKeysUnavailable: () => metrics.countRefusal('issuer_keys') });
}

export function toTables({ frequencies, notifications }: Config): EnumTables {
  return { frequencies, notifications };
}
