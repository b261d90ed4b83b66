import { TaskFailure } from '../../contract/failure.ts';
import { type BatchedClaimResult, claimKeys, type ClaimResult, readSettledResult } from './claims.ts';
import { type ObserveCommits, createGroupCommit } from '../group-commit.ts';
import type { Database } from '../sql/database.ts';
import type { Attempt, KeyedAttempt } from './attempt.ts';
import { readWriteOutcome } from './key-outcome.ts';
import type { KeyRow } from './keys.ts';
import { createSettlements, type Settlement, type SettlementsOptions } from './settlements.ts';
import { toReadFailure } from '../store-failure.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { credentialRefused, readRefused } from '../refused-credentials.ts';
import type { WriteOutcome } from '../../contract/task-service.ts';

/**
 * The record of an upstream's creates with an idempotency key, and of those without one whose fate is unknown. A claim is
 * durable before the first byte is sent.
 */
export interface Ledger {
  claim(attempt: KeyedAttempt): Promise<ClaimResult>;
  /** Tells what became of the owner's latest create with a key. @throws TaskFailure if the owner's credential is refused. */
  find(owner: CallerIdentity, key: string): Promise<WriteOutcome | null>;
  /**
   * Records how an attempt ended, with the task that it created if it has a key. A settlement that cannot be written now is
   * retried, at the latest before the next claim.
   */
  settle(attempt: Attempt, settlement: Settlement): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  /** Longer than any attempt takes. */
  readonly leaseMs: number;
  readonly expiryMs: number;
  readonly maxPending: number;
  /** Called for each settlement that could not be written, and again if it is dropped; the attempt then becomes UNKNOWN. */
  readonly onUnsettled: SettlementsOptions['onUnsettled'];
  readonly onLateAnswer: SettlementsOptions['onLateAnswer'];
  readonly observeCommits?: ObserveCommits | undefined;
}

export function createLedger(options: LedgerOptions): Ledger {
  const { database, leaseMs, expiryMs, maxPending, observeCommits } = options;
  const settlements = createSettlements({ ...options, observer: observeCommits?.('settlement') });
  const claims = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('claim'),
    write: (transaction, attempts: readonly KeyedAttempt[]): Promise<readonly BatchedClaimResult[]> =>
      claimKeys(transaction, attempts, { leaseMs, expiryMs }),
  });
  const readUnread = (row: KeyRow): Promise<ClaimResult> =>
    readSettledResult(database, row).catch((error: unknown) => {
      throw toReadFailure(error);
    });
  return {
    async claim(attempt) {
      await settlements.flush();
      try {
        const result = await claims.add(attempt);
        return result.kind === 'unread' ? await readUnread(result.row) : result;
      } catch (error) {
        if (!(error instanceof TaskFailure) || error.outcome === 'NOT_SENT') throw error;
        // The claim may have been stored, and must not block the next attempt.
        settlements.enqueue(attempt, { kind: 'released' });
        throw claimFailed(error);
      }
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
    settle: (attempt, settlement) => settlements.settle(attempt, settlement),
    async close() {
      await claims.close();
      await settlements.close();
    },
  };
}

/** The failure of a create that was not sent because its claim may not be durable. */
function claimFailed(cause: TaskFailure): TaskFailure {
  return new TaskFailure(
    'STORE_UNAVAILABLE',
    'The gateway cannot store the idempotencyKey at the moment; nothing was sent.',
    { cause },
  );
}
