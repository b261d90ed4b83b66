import { TaskFailure } from '../contract/failure.ts';
import { parseGuid } from '../contract/guid.ts';
import type { AccountCaller, Caller, VerifiedToken } from '../contract/task-service.ts';

/** Says who calls from the request's Authorization header; throws, or rejects with, UNAUTHENTICATED / NOT_SENT where it does not say so credibly. */
export type Authenticate = (authorization: string | null) => Caller | Promise<Caller>;

/** Verifies a JWT; throws UNAUTHENTICATED / NOT_SENT for one that is not credible. */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/** Forwarding mode: the upstream judges the credentials; with `verifyToken` they have to be a JWT that passes here too. */
export function forwardedAuthentication(verifyToken: VerifyToken | null): Authenticate {
  return (authorization) => {
    if (!authorization?.trim())
      throw unauthenticated('This request needs an Authorization header; it is passed on to the service.');
    if (!verifyToken) return { kind: 'forwarded', authorization };
    return verifyToken(readBearer(authorization)).then((verified) => ({ kind: 'forwarded', authorization, verified }));
  };
}

/** The gateway's own credentials go to the upstream, so it is for this gateway to know its callers. */
export function subjectAuthentication(verifyToken: VerifyToken): Authenticate {
  return async (authorization) => {
    const { subject } = await verifyToken(readBearer(authorization));
    return { kind: 'subject', subject };
  };
}

/** Store mode: the bearer tokens are our own; with `verifyToken` a JWT whose subject is an account is as good. */
export function tokenAuthentication(
  verify: (token: string) => AccountCaller | Promise<AccountCaller | null>,
  verifyToken: VerifyToken | null,
): Authenticate {
  return (authorization) => {
    const token = readBearer(authorization);
    // Our own tokens have no dots, a JWT has two.
    if (verifyToken && token.includes('.')) return verifyToken(token).then(toAccountCaller);
    const caller = verify(token);
    return caller instanceof Promise ? caller.then(refuseUnknown) : caller;
  };
}

function refuseUnknown(caller: AccountCaller | null): AccountCaller {
  if (caller) return caller;
  throw unauthenticated(
    'The bearer token is not known here, or has expired: get a new one. The demo prints one whenever it starts.',
  );
}

export function unauthenticated(message: string): TaskFailure {
  return new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, message);
}

function readBearer(authorization: string | null): string {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization?.trim() ?? '') ?? [];
  if (!token) throw unauthenticated('This request needs the header "Authorization: Bearer <token>".');
  return token;
}

function toAccountCaller({ subject }: VerifiedToken): AccountCaller {
  const accountId = parseGuid(subject);
  if (accountId === null) throw unauthenticated('The subject of the bearer token is not the GUID of an account.');
  return { kind: 'account', accountId, clientId: null };
}
