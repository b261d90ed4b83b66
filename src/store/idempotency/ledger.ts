import { TaskFailure } from '../../contract/failure.ts';
import type { WriteOutcome } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { type ObserveCommits, createGroupCommit } from '../group-commit.ts';
import { credentialRefused, readRefused } from '../refused-credentials.ts';
import { type Database, type SqlTransaction, toIso } from '../sql/database.ts';
import { toReadFailure } from '../store-failure.ts';
import { abandoned, type Attempt, idempotencyConflict, type KeyedAttempt } from './attempt.ts';
import { insertAttempts } from './attempt-rows.ts';
import {
  insertKeys,
  isAbandoned,
  type KeyedResult,
  type KnownKey,
  readEnd,
  readKeys,
  readWriteOutcome,
} from './keys.ts';
import { createSettlements, type LateAnswer, toSettled } from './settlements.ts';

/**
 * The record of an upstream's creates with an idempotency key, and of those without one whose fate is unknown. A claim is
 * durable before the first byte is sent.
 */
export interface Ledger {
  /**
   * Claims a key. `claimed`: the claim is durable, so the write may be sent, and the attempt must be settled. `running`: another
   * attempt holds the claim. Otherwise the result of an earlier attempt, as a replay.
   * @throws TaskFailure if the write must not be sent: the key was used for another one, an earlier attempt may have been carried
   * out, or the service has refused the caller's credential since.
   */
  claim(attempt: KeyedAttempt): Promise<'claimed' | 'running' | KeyedResult>;
  /** Tells what became of the owner's latest create with a key. @throws TaskFailure if the owner's credential is refused. */
  find(owner: CallerIdentity, key: string): Promise<WriteOutcome | null>;
  /**
   * Records how an attempt ended, with the task that it created if it has a key. Unless a failure's outcome is UNKNOWN, the key
   * is free again. A settlement that cannot be written now is retried, at the latest before the next claim.
   */
  settle(attempt: Attempt, end: KeyedResult | TaskFailure): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  /** Longer than any attempt takes. */
  readonly leaseMs: number;
  readonly expiryMs: number;
  readonly maxPending: number;
  /**
   * Called for each settlement that could not be written, and again if it is dropped; the attempt then becomes UNKNOWN.
   * `isRecord` is true if the record of a task was to be written with it.
   */
  readonly onUnsettled: (error: unknown, isRecord: boolean) => void;
  /** Called for an answer that arrived after an operator had settled its attempt. */
  readonly onLateAnswer: (late: LateAnswer) => void;
  readonly observeCommits?: ObserveCommits | undefined;
}

export function createLedger(options: LedgerOptions): Ledger {
  const { database, maxPending, onUnsettled, onLateAnswer, observeCommits } = options;
  const settlements = createSettlements({
    database,
    maxPending,
    onDropped: (error, { record }) => onUnsettled(error, record !== null),
    onLateAnswer,
    observer: observeCommits?.('settlement'),
  });
  const claims = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('claim'),
    write: (transaction, attempts: readonly KeyedAttempt[]) => claimKeys(transaction, attempts, options),
  });
  return {
    async claim(attempt) {
      await settlements.flush();
      const claim = await claims.add(attempt).catch((error: unknown) => {
        if (!(error instanceof TaskFailure) || error.code !== 'STORE_FAILED') throw error;
        // The claim may have been stored, and must not block the next attempt.
        const failure = claimFailed(error);
        settlements.enqueue(toSettled(attempt, failure));
        throw failure;
      });
      if (typeof claim === 'string') return claim;
      const end = await readEnd(database, claim).catch((error: unknown) => {
        throw toReadFailure(error);
      });
      if (end instanceof TaskFailure) throw end;
      return end ?? 'running';
    },
    async find(owner, key) {
      await settlements.flush();
      const credentials = owner.credential ? [owner.credential.hash] : [];
      const [outcome, refused] = await Promise.all([
        readWriteOutcome(database, owner, key),
        readRefused(database, credentials),
      ]).catch((error: unknown) => {
        throw toReadFailure(error);
      });
      if (refused.size > 0) throw credentialRefused();
      return outcome;
    },
    async settle(attempt, end) {
      const settled = toSettled(attempt, end);
      await settlements.write(settled).catch((error: unknown) => onUnsettled(error, settled.record !== null));
    },
    async close() {
      await claims.close();
      await settlements.close();
    },
  };
}

/** Claims the free keys. Returns for each attempt, in their order, its claim, the settled key of another one, or a failure. */
async function claimKeys(
  transaction: SqlTransaction,
  attempts: readonly KeyedAttempt[],
  { leaseMs, expiryMs }: LedgerOptions,
): Promise<readonly ('claimed' | 'running' | KnownKey | TaskFailure)[]> {
  const { nowMs, find: findBefore } = await readKeys(transaction, attempts);
  const [now, leaseUntil, expiresAt] = [nowMs, nowMs + leaseMs, nowMs + expiryMs].map(toIso) as [
    string,
    string,
    string,
  ];
  const free = attempts.filter((attempt) => !findBefore(attempt));
  const key = { state: 'RUNNING', triedAt: now, leaseUntil, expiresAt, outcome: null } as const;
  await insertKeys(
    transaction,
    free.map((attempt) => ({ attempt, ...key })),
  );
  const { find } = await readKeys(transaction, attempts);
  const isOwn = (attempt: KeyedAttempt): boolean => find(attempt)?.attemptId === attempt.id;
  const others = attempts.filter((attempt) => !isOwn(attempt));
  const refused = await readRefused(
    transaction,
    others.flatMap(({ owner }) => owner.credential?.hash ?? []),
  );
  await insertAttempts(
    transaction,
    attempts.filter(isOwn).map((attempt) => ({ attempt, triedAt: now, leaseUntil })),
  );
  return attempts.map((attempt) => {
    const row = find(attempt);
    // The other attempt released its claim between the two reads: the key is free, but this attempt has not claimed it.
    if (!row) return 'running';
    if (row.attemptId === attempt.id) return 'claimed';
    if (refused.has(attempt.owner.credential?.hash ?? '')) return credentialRefused();
    if (row.fingerprint !== attempt.fingerprint) return idempotencyConflict();
    if (isAbandoned(row, now)) return abandoned();
    return row.state === 'RUNNING' ? 'running' : row;
  });
}

/** The failure of a create that was not sent because its claim may not be durable. */
function claimFailed(cause: TaskFailure): TaskFailure {
  return new TaskFailure(
    'STORE_UNAVAILABLE',
    'The gateway cannot store the idempotencyKey at the moment; nothing was sent.',
    { cause },
  );
}
