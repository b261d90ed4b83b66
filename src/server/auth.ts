import { TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, Caller } from '../contract/task-service.ts';

/** Says who calls from the request's Authorization header; throws UNAUTHENTICATED / NOT_SENT where it does not say so credibly. */
export type Authenticate = (authorization: string | null) => Promise<Caller>;

/** Forwarding mode: only the upstream can judge the credentials, so they need only be there. */
export function forwardedAuthentication(): Authenticate {
  return async (authorization) => {
    if (!authorization?.trim())
      throw unauthenticated('This request needs an Authorization header; it is passed on to the service.');
    return { kind: 'forwarded', authorization };
  };
}

/** Store mode: the bearer tokens are our own. */
export function tokenAuthentication(verify: (token: string) => Promise<AccountCaller | null>): Authenticate {
  return async (authorization) => {
    const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization?.trim() ?? '') ?? [];
    if (!token) throw unauthenticated('This request needs the header "Authorization: Bearer <token>".');
    const caller = await verify(token);
    if (!caller) throw unauthenticated('The bearer token is not known here, or has expired.');
    return caller;
  };
}

function unauthenticated(message: string): TaskFailure {
  return new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, message);
}
