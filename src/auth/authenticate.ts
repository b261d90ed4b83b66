import { TaskFailure } from '../contract/failure.ts';
import { parseGuid } from '../contract/text-formats.ts';
import type { AccountCaller, Caller, VerifiedToken } from '../contract/task-service.ts';

/** Finds the caller from the Authorization header. Throws, or rejects with, UNAUTHENTICATED / NOT_SENT if it proves no caller. */
export type Authenticate = (authorization: string | null) => Caller | Promise<Caller>;

/** Verifies a JWT; rejects an invalid one with UNAUTHENTICATED / NOT_SENT. */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/** Upstream mode with the caller's credentials: the service judges them. With `verifyToken` they must also be a JWT that is valid here. */
export function forwardedAuthentication(verifyToken: VerifyToken | null): Authenticate {
  return (authorization) => {
    if (!authorization?.trim())
      throw unauthenticated(
        'The Authorization header is missing: send your credentials for the service, to which they are forwarded.',
      );
    if (!verifyToken) return { kind: 'forwarded', authorization };
    return verifyToken(readBearer(authorization)).then((verified) => ({ kind: 'forwarded', authorization, verified }));
  };
}

/** Upstream mode with the gateway's own credentials: callers must be authenticated here. */
export function subjectAuthentication(verifyToken: VerifyToken): Authenticate {
  return async (authorization) => {
    const { subject } = await verifyToken(readBearer(authorization));
    return { kind: 'subject', subject };
  };
}

/** Store mode: the gateway issued the bearer tokens. With `verifyToken` a JWT whose subject is an account is accepted, too. */
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
    'The bearer token is unknown or has expired: get a new one. The demo prints one at every start.',
  );
}

export function unauthenticated(message: string): TaskFailure {
  return new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, message);
}

function readBearer(authorization: string | null): string {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization?.trim() ?? '') ?? [];
  if (!token) throw unauthenticated('The header "Authorization: Bearer <token>" is missing or malformed.');
  return token;
}

function toAccountCaller({ subject }: VerifiedToken): AccountCaller {
  const accountId = parseGuid(subject);
  if (accountId === null) throw unauthenticated('The subject of the bearer token is not the GUID of an account.');
  return { kind: 'account', accountId, clientId: null };
}
