import type { CreatedAccountTask } from '../contract/account-task.ts';
import { type FailureEvidence, type FailureKind, TaskFailure } from '../contract/failure.ts';
import { formatCreated, parseCreated } from './created-json.ts';
import type { Database, SqlTransaction } from './database.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Attempt } from './idempotency.ts';
import { insertKeys, type KeyRow, purgeKeys, readKeys } from './idempotency-keys.ts';

/** What the ledger says of an attempt that asks to be sent. */
export type Claim =
  /** It may be sent: its intent is durable, and it must be settled. */
  | { readonly kind: 'claimed' }
  | { readonly kind: 'created'; readonly created: CreatedAccountTask }
  /** An earlier attempt may have created the task: it is never sent again. */
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'running' }
  | { readonly kind: 'conflict' };

/** How an attempt ended; `nothing`: it was not sent or was refused, so its key may be used again. */
export type Settlement =
  | Exclude<Claim, { readonly kind: 'claimed' | 'running' | 'conflict' }>
  | { readonly kind: 'nothing' };

/** Which creates of an upstream are under way or done: the intent is durable before the first byte leaves. */
export interface Ledger {
  claim(attempt: Attempt): Promise<Claim>;
  settle(attempt: Attempt, settlement: Settlement): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly database: Database;
  /** Longer than any attempt takes: what is RUNNING after it belongs to a process that is gone. */
  readonly leaseMs: number;
  readonly expiryMs: number;
  readonly maxPending: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A failure as the ledger keeps it. */
interface FailureRecord extends FailureEvidence {
  readonly code: Extract<FailureKind, { readonly outcome: 'UNKNOWN' }>['code'];
  readonly message: string;
}

const PURGE_INTERVAL_MS = 600_000;

export function createLedger({ database, leaseMs, expiryMs, maxPending, now }: LedgerOptions): Ledger {
  let purgedAtMs = 0;
  const claims = createGroupCommit({
    database,
    maxPending,
    write: async (transaction, attempts: readonly Attempt[]): Promise<readonly Claim[]> => {
      const nowMs = now();
      if (nowMs - purgedAtMs > PURGE_INTERVAL_MS) {
        await purgeKeys(transaction, toIso(nowMs));
        purgedAtMs = nowMs;
      }
      const key = {
        state: 'RUNNING',
        leaseUntil: toIso(nowMs + leaseMs),
        expiresAt: toIso(nowMs + expiryMs),
        outcome: null,
      } as const;
      const before = await readKeys(transaction, attempts, toIso(nowMs));
      await insertKeys(
        transaction,
        attempts.filter((attempt) => !before(attempt)).map((attempt) => ({ attempt, ...key })),
      );
      const after = await readKeys(transaction, attempts, toIso(nowMs));
      await Promise.all(attempts.map((attempt) => abandon(transaction, attempt, after(attempt), nowMs)));
      return attempts.map((attempt) => toClaim(attempt, after(attempt), nowMs));
    },
  });
  const settlements = createGroupCommit({
    database,
    maxPending,
    write: async (transaction, settled: readonly (readonly [Attempt, Settlement])[]): Promise<readonly null[]> => {
      for (const [attempt, settlement] of settled) await writeSettlement(transaction, attempt, settlement);
      return settled.map(() => null);
    },
  });
  /** Refused, though their intents may be written; those must not stand in the way of the next attempt. */
  const doubtful = new Set<Attempt>();
  const strike = async (attempt: Attempt): Promise<void> => {
    await settlements.add([attempt, { kind: 'nothing' }]);
    doubtful.delete(attempt);
  };
  return {
    async claim(attempt) {
      try {
        if (doubtful.size > 0) await Promise.all([...doubtful].map(strike));
        return await claims.add(attempt);
      } catch (error) {
        if (!(error instanceof TaskFailure) || error.outcome === 'NOT_SENT') throw error;
        doubtful.add(attempt);
        throw unwritten(error);
      }
    },
    async settle(attempt, settlement) {
      await settlements.add([attempt, settlement]);
    },
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

async function writeSettlement(
  transaction: SqlTransaction,
  { scope, key, id }: Attempt,
  settlement: Settlement,
): Promise<void> {
  const where = 'WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3';
  if (settlement.kind === 'nothing') {
    await transaction.write(`DELETE FROM idempotency_keys ${where}`, [scope, key, id]);
    return;
  }
  const [state, outcome] =
    settlement.kind === 'created'
      ? ['CREATED', formatCreated(settlement.created)]
      : ['UNKNOWN', formatFailure(settlement.failure)];
  await transaction.write(`UPDATE idempotency_keys SET state = ?4, outcome = ?5 ${where}`, [
    scope,
    key,
    id,
    state,
    outcome,
  ]);
}

function abandoned(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' },
    'The gateway stopped while it was sending this task; the task may have been created.',
  );
}

function formatFailure({ code, message, errorCode, errorReason }: TaskFailure): string {
  return JSON.stringify({ code, message, errorCode, errorReason });
}

function parseFailure(text: string): TaskFailure {
  const { code, message, ...evidence } = JSON.parse(text) as FailureRecord;
  return new TaskFailure({ code, outcome: 'UNKNOWN' }, message, evidence);
}

function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
