import type { TaskFailure } from '../../contract/failure.ts';
import { formatFailure, type KeyedResult, parseFailure, parseReplay } from './outcome-json.ts';
import { toIso, type SqlReader, type SqlTransaction } from '../sql/database.ts';
import { abandoned, type KeyedAttempt } from './attempt.ts';
import { insertAttempts } from './attempt-rows.ts';
import { insertKeys, type KeyRow, readKeys, readOutcome } from './keys.ts';
import { readRefused } from '../refused-credentials.ts';

/** The result of claiming a key for an attempt. */
export type ClaimResult =
  /** The key is reserved and the claim is durable: the write may be sent, and the attempt must be settled. */
  | { readonly kind: 'claimed' }
  /** An earlier attempt succeeded; this is its result as a replay. */
  | { readonly kind: 'succeeded'; readonly result: KeyedResult }
  /** An earlier attempt may have been carried out, so the write is never sent again. */
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  /** Another attempt holds the claim. */
  | { readonly kind: 'running' }
  /** The key was used before, but the service has refused the caller's credential since. */
  | { readonly kind: 'refused' }
  /** The key was used for another write. */
  | { readonly kind: 'conflict' };

/** A claim result within a batch. An outcome too long to be read with the others is read on its own afterwards. */
export type BatchedClaimResult = ClaimResult | { readonly kind: 'unread'; readonly row: KeyRow };

export interface ClaimTerms {
  /** Longer than any attempt takes: a RUNNING attempt whose lease has expired belongs to a process that has ended. */
  readonly leaseMs: number;
  readonly expiryMs: number;
}

/** Claims the free keys. Returns a result for each attempt, in their order. */
export async function claimKeys(
  transaction: SqlTransaction,
  attempts: readonly KeyedAttempt[],
  { leaseMs, expiryMs }: ClaimTerms,
): Promise<readonly BatchedClaimResult[]> {
  const { nowMs, find: findBefore } = await readKeys(transaction, attempts);
  const key = {
    state: 'RUNNING',
    triedAt: toIso(nowMs),
    leaseUntil: toIso(nowMs + leaseMs),
    expiresAt: toIso(nowMs + expiryMs),
    outcome: null,
  } as const;
  const free = attempts.filter((attempt) => !findBefore(attempt));
  await insertKeys(
    transaction,
    free.map((attempt) => ({ attempt, ...key })),
  );
  const { find } = await readKeys(transaction, attempts);
  const now = toIso(nowMs);
  const isOwn = (attempt: KeyedAttempt) => find(attempt)?.attemptId === attempt.id;
  const refused = await readRefused(
    transaction,
    attempts.flatMap((attempt) => (isOwn(attempt) ? [] : (attempt.owner.credential?.hash ?? []))),
  );
  const results = await Promise.all(
    attempts.map(async (attempt): Promise<BatchedClaimResult> => {
      if (isOwn(attempt)) return { kind: 'claimed' };
      const other = find(attempt);
      if (other && isAbandoned(other, now)) await settleAbandoned(transaction, other);
      // The other attempt released its claim between the two reads: the key is free, but this attempt has not claimed it.
      if (!other) return { kind: 'running' };
      return refused.has(attempt.owner.credential?.hash ?? '') ? { kind: 'refused' } : toResult(attempt, other, now);
    }),
  );
  const claimed = attempts.filter((_, index) => results[index]?.kind === 'claimed');
  const times = { triedAtMs: nowMs, leaseUntilMs: nowMs + leaseMs };
  await insertAttempts(
    transaction,
    claimed.map((attempt) => ({ attempt, ...times })),
  );
  return results;
}

function toResult(attempt: KeyedAttempt, row: KeyRow, now: string): BatchedClaimResult {
  if (row.fingerprint !== attempt.fingerprint) return { kind: 'conflict' };
  if (row.state !== 'RUNNING')
    return row.outcome === null ? { kind: 'unread', row } : toSettledResult(row.state, row.outcome);
  return isAbandoned(row, now) ? { kind: 'unknown', failure: abandoned() } : { kind: 'running' };
}

/** Reads the outcome of an `unread` result. */
export async function readSettledResult(reader: SqlReader, row: KeyRow): Promise<ClaimResult> {
  const outcome = await readOutcome(reader, row);
  return outcome === null ? { kind: 'running' } : toSettledResult(row.state, outcome);
}

function toSettledResult(state: KeyRow['state'], outcome: string): ClaimResult {
  return state === 'CREATED'
    ? { kind: 'succeeded', result: parseReplay(outcome) }
    : { kind: 'unknown', failure: parseFailure(outcome) };
}

/** Settles an attempt of a process that has ended as UNKNOWN: it may have been sent. A late settlement still overwrites this. */
function settleAbandoned(transaction: SqlTransaction, { scope, key, attemptId }: KeyRow): Promise<number> {
  return transaction.write(
    `UPDATE idempotency_keys SET state = 'UNKNOWN', outcome = ?4
      WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3 AND state = 'RUNNING'`,
    [scope, key, attemptId, formatFailure(abandoned())],
  );
}

function isAbandoned({ state, leaseUntil }: KeyRow, now: string): boolean {
  return state === 'RUNNING' && leaseUntil <= now;
}
