import type { Authenticate, VerifyToken } from '../auth/authenticate.ts';
import type { IssueToken } from '../auth/token-endpoint.ts';
import type { TaskService } from '../contract/task-service.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AuthConfig } from './config.ts';

/** A backend: its tasks, and how it authenticates callers. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** Null if the backend issues no tokens. */
  readonly issueToken: IssueToken | null;
  /** The number of creates of one batch that may run at the same time. */
  readonly batchConcurrency: number;
}

/** Opens the verifier of callers' JWTs; its code is loaded only where JWTs are accepted. */
export async function openTokenVerifier(auth: AuthConfig, metrics: Metrics): Promise<VerifyToken> {
  const { createTokenVerifier } = await import('../auth/jwt.ts');
  return createTokenVerifier({ ...auth, onKeysUnavailable: () => metrics.countRefusal('issuer_keys') });
}
