import { createHash } from 'node:crypto';
import type { Caller } from '../contract/task-service.ts';

/** The owner of idempotency keys and records. */
export interface CallerIdentity {
  /**
   * The scope that the caller's keys and records are written under. Behind it stand the scopes under which version 0.1
   * wrote those of the same caller; most callers have none.
   */
  readonly scopes: readonly [string, ...string[]];
  /** The caller's own credential where the service judges it; null where this gateway alone does. */
  readonly credential: Credential | null;
}

export interface Credential {
  /** A hash of the Authorization header. */
  readonly hash: string;
  /** Milliseconds since 1970: from then on the gateway itself refuses it. */
  readonly expiresAtMs: number;
}

/** Identifies a client of the store, the subject of a JWT, or, where nothing else is known, an Authorization header. */
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

function identity(scope: string): CallerIdentity {
  return { scopes: [scope], credential: null };
}

function subjectScope(subject: string): string {
  return `subject:${sha256(subject)}`;
}

function authorizationScope(authorization: string): string {
  return `authorization:${sha256(authorization)}`;
}

/** Writes the scheme, which HTTP compares in any case, as in `Bearer x`, so that most callers keep the scope of version 0.1. */
function normalizeScheme(authorization: string): string {
  const [, first = '', rest = '', credentials] = /^(\S)(\S*)\s+(.*)$/s.exec(authorization) ?? [];
  return credentials === undefined ? authorization : `${first.toUpperCase()}${rest.toLowerCase()} ${credentials}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
