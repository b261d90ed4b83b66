import type { CreatedAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { parseCreated, formatFailure, parseFailure } from './outcome-json.ts';
import { toIso, type SqlReader, type SqlTransaction } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';
import { insertKeys, type KeyRow, readKeys, readOutcome } from './keys.ts';
import { readRefused } from '../refused-credentials.ts';

/** The ledger's answer to an attempt that is about to be sent. */
export type Claim =
  /** It may be sent: its intent is durable, and it must be settled. */
  | { readonly kind: 'claimed' }
  /** The result is given again. */
  | { readonly kind: 'created'; readonly created: CreatedAccountTask }
  /** The task may have been created, so it is never sent again. */
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'running' }
  /** The result or failure is too long to be read with those of others. */
  | { readonly kind: 'settled'; readonly row: KeyRow }
  /** The key is known, but the service has refused the caller's credential since. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'conflict' };

/** A claim with everything that is known of its key. */
export type KnownClaim = Exclude<Claim, { readonly kind: 'settled' }>;

export interface ClaimTerms {
  /** Longer than any attempt takes: what is RUNNING after it, by the database's clock, belongs to a process that is gone. */
  readonly leaseMs: number;
  readonly expiryMs: number;
  /** Until when gateways of version 0.1, which know the old scopes only, may claim the same keys. */
  readonly oldScopesUntilMs: number;
}

/** Claims the keys that are free, each under every scope in use, and answers for each attempt, in their order. */
export async function claimKeys(
  transaction: SqlTransaction,
  attempts: readonly Attempt[],
  { leaseMs, expiryMs, oldScopesUntilMs }: ClaimTerms,
): Promise<readonly Claim[]> {
  const { nowMs, find: findBefore } = await readKeys(transaction, attempts);
  const key = {
    state: 'RUNNING',
    leaseUntil: toIso(nowMs + leaseMs),
    expiresAt: toIso(nowMs + expiryMs),
    outcome: null,
  } as const;
  const toScopes = ({ owner: { scopes } }: Attempt): readonly string[] =>
    nowMs < oldScopesUntilMs ? scopes : scopes.slice(0, 1);
  const unclaimed = attempts.filter((attempt) => findBefore(attempt).length === 0);
  await insertKeys(
    transaction,
    unclaimed.flatMap((attempt) => toScopes(attempt).map((scope) => ({ scope, attempt, ...key }))),
  );
  const { find } = await readKeys(transaction, attempts);
  const now = toIso(nowMs);
  const known = attempts.filter((attempt) => find(attempt).some(({ attemptId }) => attemptId !== attempt.id));
  const refused = await readRefused(
    transaction,
    known.flatMap(({ owner }) => owner.credential?.hash ?? []),
  );
  return Promise.all(
    attempts.map(async (attempt) => {
      const rows = find(attempt);
      const own = rows.filter(({ attemptId }) => attemptId === attempt.id);
      if (own.length === toScopes(attempt).length) return { kind: 'claimed' } as const;
      // Another process was first under one of the scopes.
      await Promise.all(own.map(({ scope }) => withdraw(transaction, scope, attempt)));
      // A key of the time before the upgrade comes before what another credential of its subject has done since.
      const other = rows.findLast(({ attemptId }) => attemptId !== attempt.id);
      if (other && isAbandoned(other, now)) await abandon(transaction, attempt, other);
      const isRefused = refused.has(attempt.owner.credential?.hash ?? '');
      return isRefused ? ({ kind: 'refused' } as const) : toClaim(attempt, other, now);
    }),
  );
}

function toClaim(attempt: Attempt, row: KeyRow | undefined, now: string): Claim {
  // The attempt that stood in the way has been settled in this moment: its key is free, but nothing of this one is written.
  if (!row) return { kind: 'running' };
  if (row.fingerprint !== attempt.fingerprint) return { kind: 'conflict' };
  if (row.state !== 'RUNNING')
    return row.outcome === null ? { kind: 'settled', row } : toSettled(row.state, row.outcome);
  return isAbandoned(row, now) ? { kind: 'unknown', failure: abandoned() } : { kind: 'running' };
}

/** Reads the outcome that a claim has left out. */
export async function readSettled(reader: SqlReader, row: KeyRow): Promise<KnownClaim> {
  const outcome = await readOutcome(reader, row);
  return outcome === null ? { kind: 'running' } : toSettled(row.state, outcome);
}

function toSettled(state: KeyRow['state'], outcome: string): KnownClaim {
  return state === 'CREATED'
    ? { kind: 'created', created: parseCreated(outcome) }
    : { kind: 'unknown', failure: parseFailure(outcome) };
}

function withdraw(transaction: SqlTransaction, scope: string, { key, id }: Attempt): Promise<number> {
  return transaction.write(
    'DELETE FROM idempotency_keys WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3',
    [scope, key, id],
  );
}

/** Settles an attempt of a process that is gone, which may have been sent: it is of unknown fate unless it settles yet. */
function abandon(transaction: SqlTransaction, { key }: Attempt, { scope, attemptId }: KeyRow): Promise<number> {
  return transaction.write(
    `UPDATE idempotency_keys SET state = 'UNKNOWN', outcome = ?4
      WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3 AND state = 'RUNNING'`,
    [scope, key, attemptId, formatFailure(abandoned())],
  );
}

function isAbandoned({ state, leaseUntil }: KeyRow, now: string): boolean {
  return state === 'RUNNING' && leaseUntil <= now;
}

function abandoned(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' },
    'The gateway stopped while it was sending this task; the task may have been created.',
  );
}
