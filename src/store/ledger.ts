import type { BeginStep } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { ObserveCommits } from './commit-observer.ts';
import { parseCreated } from './created-json.ts';
import { toIso } from './database-clock.ts';
import type { Database, SqlTransaction } from './database.ts';
import { formatFailure, parseFailure } from './failure-json.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Attempt } from './idempotency.ts';
import { insertKeys, type KeyRow, readKeys } from './idempotency-keys.ts';
import { createSettlements, type Settlement } from './settlements.ts';

/** What the ledger says of an attempt that asks to be sent. */
export type Claim =
  /** It may be sent: its intent is durable, and it must be settled. */
  | { readonly kind: 'claimed' }
  /** `created`: its result is given again; `unknown`: the task may have been created, so it is never sent again. */
  | Exclude<Settlement, { readonly kind: 'nothing' }>
  | { readonly kind: 'running' }
  | { readonly kind: 'conflict' };

/** Which creates of an upstream are under way or done: the intent is durable before the first byte leaves. */
export interface Ledger {
  claim(attempt: Attempt, beginStep?: BeginStep): Promise<Claim>;
  /** Writes down how a claimed attempt ended; what cannot be written now is written before the next claim, or soon. */
  settle(attempt: Attempt, settlement: Settlement, beginStep?: BeginStep): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  /** Longer than any attempt takes: what is RUNNING after it, by the database's clock, belongs to a process that is gone. */
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
  const claims = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('claim'),
    write: async (transaction, attempts: readonly Attempt[]): Promise<readonly Claim[]> => {
      const { nowMs, find: before } = await readKeys(transaction, attempts);
      const key = {
        state: 'RUNNING',
        leaseUntil: toIso(nowMs + leaseMs),
        expiresAt: toIso(nowMs + expiryMs),
        outcome: null,
      } as const;
      await insertKeys(
        transaction,
        attempts.filter((attempt) => !before(attempt)).map((attempt) => ({ attempt, ...key })),
      );
      const { find: after } = await readKeys(transaction, attempts);
      await Promise.all(attempts.map((attempt) => abandon(transaction, attempt, after(attempt), nowMs)));
      return attempts.map((attempt) => toClaim(attempt, after(attempt), nowMs));
    },
  });
  return {
    async claim(attempt, beginStep) {
      await settlements.writeOwed();
      try {
        return await claims.add(attempt, beginStep);
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

function toClaim(attempt: Attempt, row: KeyRow | undefined, nowMs: number): Claim {
  // The attempt that stood in the way has been settled in this moment: its key is free, but nothing of this one is written.
  if (!row) return { kind: 'running' };
  if (row.attemptId === attempt.id) return { kind: 'claimed' };
  if (row.fingerprint !== attempt.fingerprint) return { kind: 'conflict' };
  if (row.state === 'CREATED') return { kind: 'created', created: parseCreated(row.outcome ?? '') };
  if (row.state === 'UNKNOWN') return { kind: 'unknown', failure: parseFailure(row.outcome ?? '') };
  return isAbandoned(row, nowMs) ? { kind: 'unknown', failure: abandoned() } : { kind: 'running' };
}

/** What a process that is gone has left behind may have been sent: from now on it is of unknown fate, unless it settles. */
async function abandon(
  transaction: SqlTransaction,
  { scope, key, id }: Attempt,
  row: KeyRow | undefined,
  nowMs: number,
): Promise<void> {
  if (!row || row.attemptId === id || !isAbandoned(row, nowMs)) return;
  await transaction.write(
    `UPDATE idempotency_keys SET state = 'UNKNOWN', outcome = ?4
      WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3 AND state = 'RUNNING'`,
    [scope, key, row.attemptId, formatFailure(abandoned())],
  );
}

function isAbandoned({ state, leaseUntil }: KeyRow, nowMs: number): boolean {
  return state === 'RUNNING' && leaseUntil <= toIso(nowMs);
}

function abandoned(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' },
    'The gateway stopped while it was sending this task; the task may have been created.',
  );
}
