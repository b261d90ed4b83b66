import type { TaskFailure } from '../../contract/failure.ts';
import type { CommitObserver } from '../group-commit.ts';
import { formatFailure, formatResult, type KeyedResult } from './outcome-json.ts';
import { type Database, readClock, type SqlTransaction } from '../sql/database.ts';
import { type NewRecord, toRecord, writeRecords } from '../task-records.ts';
import type { Attempt } from './attempt.ts';
import { deleteAttempts, insertAttempts, markUnknown } from './attempt-rows.ts';
import { createRetryQueue } from './retry-queue.ts';

/** How an attempt ended. `released`: it was not sent or was refused, so the key is free again. */
export type Settlement =
  | { readonly kind: 'succeeded'; readonly result: KeyedResult }
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'released' };

/** Records how attempts ended, with a retry queue for the settlements that the database has not accepted yet. */
export interface Settlements {
  /** Writes the settlement now. Never throws: a failure is reported and the settlement is enqueued. */
  settle(attempt: Attempt, settlement: Settlement): Promise<void>;
  /** Adds a settlement to be written later. A full queue drops its oldest ones. */
  enqueue(attempt: Attempt, settlement: Settlement): void;
  /** Tries once to write everything that is queued. It never throws; concurrent calls share one try. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SettlementsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Called for each settlement that could not be written, and again if it is dropped. */
  readonly onUnsettled: (error: unknown, kind: Settlement['kind']) => void;
  /** Called for an answer that arrived after an operator had settled its attempt. */
  readonly onLateAnswer: (late: LateAnswer) => void;
  readonly maxQueued?: number;
  readonly maxQueuedBytes?: number;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** An answer that does not replace the settlement of an operator. */
export interface LateAnswer {
  readonly attempt: string;
  readonly requestId: string;
  /** The account task that was created or run; null if the answer says that nothing was. */
  readonly accountTask: string | null;
}

/** A settlement as it is written. */
interface SettledAttempt {
  readonly attempt: Attempt;
  readonly kind: Settlement['kind'];
  /** The result or failure as JSON; empty if the key is released. */
  readonly outcome: string;
  /** The code of an unknown failure, else null. */
  readonly code: string | null;
  /** The record of a write that succeeded, else null. */
  readonly record: NewRecord | null;
}

export function createSettlements({ onUnsettled, onLateAnswer, ...options }: SettlementsOptions): Settlements {
  const reported = new WeakSet<SettledAttempt>();
  const queue = createRetryQueue<SettledAttempt>({
    ...options,
    async write(transaction, settled) {
      for (const item of await writeSettlements(transaction, settled)) {
        // The transaction may run again.
        if (!reported.has(item)) onLateAnswer(toLateAnswer(item));
        reported.add(item);
      }
    },
    sizeOf: ({ outcome, record }) => Buffer.byteLength(outcome) + Buffer.byteLength(record?.detail ?? ''),
    onDropped: (error, { kind }) => onUnsettled(error, kind),
  });
  return {
    async settle(attempt, settlement) {
      await queue.write(toSettled(attempt, settlement)).catch((error: unknown) => onUnsettled(error, settlement.kind));
    },
    enqueue: (attempt, settlement) => queue.enqueue(toSettled(attempt, settlement)),
    flush: () => queue.flush(),
    close: () => queue.close(),
  };
}

function toSettled(attempt: Attempt, settlement: Settlement): SettledAttempt {
  const { kind } = settlement;
  const nothing = { outcome: '', code: null, record: null };
  if (kind === 'released') return { attempt, kind, ...nothing };
  if (kind === 'unknown') {
    const { failure } = settlement;
    return { attempt, kind, ...nothing, outcome: formatFailure(failure), code: failure.code };
  }
  const { result } = settlement;
  const record = toRecord(attempt.owner, result.accountTask ?? { ID: attempt.facts.target });
  return { attempt, kind, code: null, outcome: formatResult(result), record };
}

function toLateAnswer({ attempt, record }: SettledAttempt): LateAnswer {
  return { attempt: attempt.id, requestId: attempt.requestId, accountTask: record?.id ?? null };
}

/**
 * Writes how attempts ended, but leaves alone what an operator has settled. Returns the answers that came too late.
 * Operators lock an attempt before its key, and a key before a record. So does this, or both could wait for each other.
 */
async function writeSettlements(
  transaction: SqlTransaction,
  settled: readonly SettledAttempt[],
): Promise<readonly SettledAttempt[]> {
  const answered = settled.filter(({ kind }) => kind !== 'unknown');
  const bySettler = await deleteAttempts(
    transaction,
    answered.map(({ attempt }) => attempt.id),
  );
  const unknown = settled.filter(({ kind }) => kind === 'unknown');
  await writeUnknown(transaction, unknown);
  for (const item of settled) await writeKeys(transaction, item);
  await writeRecords(
    transaction,
    settled.flatMap(({ record }) => record ?? []),
  );
  return answered.filter(({ attempt }) => bySettler.has(attempt.id));
}

async function writeUnknown(transaction: SqlTransaction, unknown: readonly SettledAttempt[]): Promise<void> {
  const unkeyed = unknown.filter(({ attempt }) => attempt.key === null);
  if (unkeyed.length > 0) {
    const nowMs = await readClock(transaction);
    const rows = unkeyed.map(({ attempt }) => {
      const triedAtMs = nowMs - Math.floor(performance.now() - attempt.startedAtMs);
      return { attempt, triedAtMs, leaseUntilMs: triedAtMs };
    });
    await insertAttempts(transaction, rows);
  }
  for (const { attempt, code } of unknown) await markUnknown(transaction, attempt.id, code ?? '');
}

async function writeKeys(transaction: SqlTransaction, { attempt, kind, outcome }: SettledAttempt): Promise<void> {
  const { owner, key, id } = attempt;
  if (key === null) return;
  const where = 'WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3 AND settled_by IS NULL';
  const state = kind === 'succeeded' ? 'CREATED' : 'UNKNOWN';
  const own = [owner.scope, key, id];
  if (kind === 'released') await transaction.write(`DELETE FROM idempotency_keys ${where}`, own);
  else
    await transaction.write(`UPDATE idempotency_keys SET state = ?4, outcome = ?5 ${where}`, [...own, state, outcome]);
}
