import type { BeginStep } from '../../contract/call-steps.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { type Claim, claimKeys, type KnownClaim, readSettled } from './claims.ts';
import { type ObserveCommits, createGroupCommit } from '../group-commit.ts';
import type { Database } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';
import type { KeyRow } from './keys.ts';
import { CALLER_SCOPES_MIGRATION, readAppliedAt } from '../sql/migrations.ts';
import { createSettlements, type Settlement } from './settlements.ts';
import { toReadFailure } from '../store-failure.ts';

/** Which creates of an upstream are under way or done: the intent is durable before the first byte leaves. */
export interface Ledger {
  claim(attempt: Attempt, beginStep?: BeginStep): Promise<KnownClaim>;
  /** Writes down how a claimed attempt ended; what cannot be written now is written before the next claim, or soon. */
  settle(attempt: Attempt, settlement: Settlement, beginStep?: BeginStep): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  /** Longer than any attempt takes. */
  readonly leaseMs: number;
  readonly expiryMs: number;
  readonly maxPending: number;
  /** Told of each settlement that could not be written, and again when it is given up: such an attempt becomes UNKNOWN. */
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
    write: async (transaction, attempts: readonly Attempt[]): Promise<readonly Claim[]> => {
      oldScopesUntilMs ??= (await readAppliedAt(transaction, CALLER_SCOPES_MIGRATION)) + expiryMs;
      return claimKeys(transaction, attempts, { leaseMs, expiryMs, oldScopesUntilMs });
    },
  });
  const readLong = (row: KeyRow): Promise<KnownClaim> =>
    readSettled(database, row).catch((error: unknown) => {
      throw toReadFailure(error);
    });
  return {
    async claim(attempt, beginStep) {
      await settlements.writeOwed();
      try {
        const claim = await claims.add(attempt, beginStep);
        return claim.kind === 'settled' ? await readLong(claim.row) : claim;
      } catch (error) {
        if (!(error instanceof TaskFailure) || error.outcome === 'NOT_SENT') throw error;
        // Its intent may be written, and must not stand in the way of the next attempt.
        settlements.owe(attempt, { kind: 'nothing' });
        throw unwritten(error);
      }
    },
    settle: (attempt, settlement, beginStep) => settlements.settle(attempt, settlement, beginStep),
    async close() {
      await claims.close();
      await settlements.close();
    },
  };
}

/** A create whose intent is not surely durable is not sent, whatever became of the intent. */
function unwritten(cause: TaskFailure): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    'The idempotency key cannot be written down at the moment; nothing was sent.',
    { cause },
  );
}
