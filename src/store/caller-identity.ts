import { hash } from 'node:crypto';
import { TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, Call, Caller } from '../contract/task-service.ts';

/** The owner of idempotency keys and records. */
export interface CallerIdentity {
  /** The scope of the caller's keys and records. */
  readonly scope: string;
  /** The caller's own credential if the service verifies it; null if only this gateway does. */
  readonly credential: Credential | null;
}

export interface Credential {
  /** A hash of the Authorization header. */
  readonly hash: string;
  /** The time from which the gateway itself refuses it, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** Identifies a caller by its client of the store or its JWT's subject, else by its Authorization header. */
export function toIdentity(caller: Caller): CallerIdentity {
  if (caller.kind === 'account')
    return { scope: `account:${caller.accountId}:${caller.clientId ?? ''}`, credential: null };
  if (caller.kind === 'subject') return { scope: subjectScope(caller.subject), credential: null };
  const { authorization, verified } = caller;
  const own = `authorization:${hash('sha256', normalizeScheme(authorization), 'base64url')}`;
  const credential = { hash: own, expiresAtMs: verified?.expiresAtMs ?? Number.MAX_SAFE_INTEGER };
  return { scope: verified ? subjectScope(verified.subject) : own, credential };
}

/** Returns the caller of a call to the store. @throws TaskFailure for any other kind of caller. */
export function accountCaller({ caller }: Call): AccountCaller {
  if (caller.kind === 'account') return caller;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The task store accepts only bearer tokens that identify one of its accounts.',
  );
}

function subjectScope(subject: string): string {
  return `subject:${hash('sha256', subject, 'base64url')}`;
}

/** Capitalizes the scheme as in `Bearer x`, since HTTP ignores its case. */
function normalizeScheme(authorization: string): string {
  const [, first = '', rest = '', credentials] = /^(\S)(\S*)\s+(.*)$/s.exec(authorization) ?? [];
  return credentials === undefined ? authorization : `${first.toUpperCase()}${rest.toLowerCase()} ${credentials}`;
}
