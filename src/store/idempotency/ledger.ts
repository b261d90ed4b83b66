import { TaskFailure } from '../../contract/failure.ts';
import { type BatchedClaimResult, claimKeys, type ClaimResult, readSettledResult } from './claims.ts';
import { type ObserveCommits, createGroupCommit } from '../group-commit.ts';
import type { Database } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';
import type { KeyRow } from './keys.ts';
import { CALLER_SCOPES_MIGRATION, readAppliedAt } from '../sql/migrations.ts';
import { createSettlements, type Settlement } from './settlements.ts';
import { toReadFailure } from '../store-failure.ts';

/** The record of an upstream's creates under idempotency keys. A claim is durable before the first byte is sent. */
export interface Ledger {
  claim(attempt: Attempt): Promise<ClaimResult>;
  /** Records how a claimed attempt ended. A settlement that cannot be written now is retried, at the latest before the next claim. */
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
  readonly onUnsettled: (error: unknown) => void;
  readonly observeCommits?: ObserveCommits | undefined;
}

export function createLedger(options: LedgerOptions): Ledger {
  const { database, leaseMs, expiryMs, maxPending, onUnsettled, observeCommits } = options;
  const settlements = createSettlements({
    database,
    maxPending,
    onUnsettled,
    observer: observeCommits?.('settlement'),
  });
  let oldScopesUntilMs: number | null = null;
  const claims = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('claim'),
    write: async (transaction, attempts: readonly Attempt[]): Promise<readonly BatchedClaimResult[]> => {
      oldScopesUntilMs ??= (await readAppliedAt(transaction, CALLER_SCOPES_MIGRATION)) + expiryMs;
      return claimKeys(transaction, attempts, { leaseMs, expiryMs, oldScopesUntilMs });
    },
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
    { code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' },
    'The gateway cannot store the idempotencyKey at the moment; nothing was sent.',
    { cause },
  );
}
