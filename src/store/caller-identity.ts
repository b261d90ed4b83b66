import { createHash } from 'node:crypto';
import { TaskFailure } from '../contract/failure.ts';
import type { AccountCaller, Call, Caller } from '../contract/task-service.ts';

/** The owner of idempotency keys and records. */
export interface CallerIdentity {
  /**
   * The scope under which the caller's keys and records are written, followed by the scopes that version 0.1 used for the
   * same caller. Most callers have only the first.
   */
  readonly scopes: readonly [string, ...string[]];
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
  if (caller.kind === 'account') return identity(`account:${caller.accountId}:${caller.clientId ?? ''}`);
  if (caller.kind === 'subject') return identity(subjectScope(caller.subject));
  const { authorization, verified } = caller;
  const normalized = normalizeScheme(authorization);
  const own = authorizationScope(normalized);
  const verbatim = normalized === authorization ? own : authorizationScope(authorization);
  const credential = { hash: own, expiresAtMs: verified?.expiresAtMs ?? Number.MAX_SAFE_INTEGER };
  if (verified) return { scopes: [subjectScope(verified.subject), ...new Set([own, verbatim])], credential };
  return { scopes: verbatim === own ? [own] : [own, verbatim], credential };
}

/** Returns the caller of a call to the store. @throws TaskFailure for any other kind of caller. */
export function accountCaller({ caller }: Call): AccountCaller {
  if (caller.kind === 'account') return caller;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The task store accepts only bearer tokens that identify one of its accounts.',
  );
}

function identity(scope: string): CallerIdentity {
  return { scopes: [scope], credential: null };
}

function subjectScope(subject: string): string {
  return `subject:${sha256(subject)}`;
}

function authorizationScope(authorization: string): string {
  return `authorization:${sha256(authorization)}`;
}

/** Capitalizes the scheme as in `Bearer x`, since HTTP ignores its case. Most callers keep their scope of version 0.1 this way. */
function normalizeScheme(authorization: string): string {
  const [, first = '', rest = '', credentials] = /^(\S)(\S*)\s+(.*)$/s.exec(authorization) ?? [];
  return credentials === undefined ? authorization : `${first.toUpperCase()}${rest.toLowerCase()} ${credentials}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
