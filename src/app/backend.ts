import type { Authenticate, VerifyToken } from '../auth/authenticate.ts';
import type { IssueToken } from '../auth/token-endpoint.ts';
import type { TaskService } from '../contract/task-service.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AuthConfig } from './config.ts';

/** A backend with the credentials it takes. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** Null: the backend gives out no tokens. */
  readonly issueToken: IssueToken | null;
  /** How many creates of one batch may be under way at the same time. */
  readonly batchConcurrency: number;
}

/** Loaded by those only who take JWTs. */
export async function openTokenVerifier(auth: AuthConfig, metrics: Metrics): Promise<VerifyToken> {
  const { createTokenVerifier } = await import('../auth/jwt.ts');
  return createTokenVerifier({ ...auth, onKeysUnavailable: () => metrics.countRefusal('issuer_keys') });
}
