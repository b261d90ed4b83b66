import type { Authenticate } from '../../auth/authenticate.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { type RefusalFacts, RequestRefusal } from '../../http/answer.ts';
import type { HttpRequest } from '../../http/routes.ts';

/** The largest body of a request, and the refusal of a larger one. */
export interface BodyAllowance {
  readonly maxBytes: number;
  readonly refuse: () => RequestRefusal;
}

export interface BodyAllowanceOptions {
  readonly authenticate: Authenticate;
  readonly maxBytes: number;
  /** The bound of a request without valid credentials. */
  readonly maxAnonymousBytes: number;
}

/**
 * Creates the function that decides from a request's headers how large its body may be. It checks credentials only if the
 * body exceeds, or could exceed, the bound of an anonymous caller.
 */
export function createBodyAllowance({ authenticate, maxBytes, maxAnonymousBytes }: BodyAllowanceOptions) {
  const known = toAllowance(maxBytes, `The request's body is larger than ${maxBytes} bytes.`, {
    status: 413,
    code: 'BAD_USER_INPUT',
    limit: 'body_bytes',
  });
  const anonymous = toAllowance(
    Math.min(maxBytes, maxAnonymousBytes),
    `The request's body is larger than ${maxAnonymousBytes} bytes, the limit without an Authorization header.`,
    { status: 413, code: 'BAD_USER_INPUT', limit: 'anonymous_body_bytes' },
  );
  const decide = async (authorization: string): Promise<BodyAllowance> => {
    try {
      await authenticate(authorization);
      return known;
    } catch (error) {
      if (!(error instanceof TaskFailure)) throw error;
      return toAllowance(anonymous.maxBytes, error.message, {
        status: error.code === 'UNAUTHENTICATED' ? 401 : 503,
        code: error.code,
        retryable: error.retryable,
        limit: 'anonymous_body_bytes',
        ...(error.code === 'UNAUTHENTICATED' && { headers: { 'WWW-Authenticate': 'Bearer' } }),
      });
    }
  };
  return ({ headers }: Pick<HttpRequest, 'headers'>): BodyAllowance | Promise<BodyAllowance> => {
    const declaredBytes = Number(headers['content-length'] ?? (headers['transfer-encoding'] ? Infinity : 0));
    if (declaredBytes <= anonymous.maxBytes) return anonymous;
    if (declaredBytes > maxBytes && declaredBytes < Infinity) return known;
    const { authorization = '' } = headers;
    return authorization.trim() === '' ? anonymous : decide(authorization);
  };
}

function toAllowance(maxBytes: number, problem: string, facts: RefusalFacts): BodyAllowance {
  return { maxBytes, refuse: () => new RequestRefusal(problem, facts) };
}
