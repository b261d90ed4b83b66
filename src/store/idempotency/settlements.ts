import { TaskFailure } from '../../contract/failure.ts';
import { readClock, type SqlTransaction, toIso } from '../sql/database.ts';
import { type NewRecord, toRecord, writeRecords } from '../task-records.ts';
import type { Attempt } from './attempt.ts';
import { deleteAttempts, insertAttempts, markUnknown } from './attempt-rows.ts';
import { formatFailure, formatResult, type KeyedResult, writeEnd } from './keys.ts';
import { createRetryQueue, type QueueOptions } from './retry-queue.ts';

/** How an attempt ended, as it is written. */
export interface SettledAttempt {
  readonly attempt: Attempt;
  /** The state of its key; null if nothing was done, so that the key is free again. */
  readonly state: 'CREATED' | 'UNKNOWN' | null;
  /** The result or the failure as JSON. */
  readonly outcome: string;
  /** The code of the failure. */
  readonly code: string;
  /** The record of a write that succeeded, else null. */
  readonly record: NewRecord | null;
}

/** An answer that does not replace the settlement of an operator. */
export interface LateAnswer {
  readonly attempt: string;
  readonly requestId: string;
  /** The account task that was created or run; null if the answer says that nothing was. */
  readonly accountTask: string | null;
}

export interface SettlementsOptions extends QueueOptions<SettledAttempt> {
  readonly onLateAnswer: (late: LateAnswer) => void;
}

/** Creates the queue that writes how attempts ended. */
export function createSettlements({ onLateAnswer, ...options }: SettlementsOptions) {
  const reported = new WeakSet<SettledAttempt>();
  return createRetryQueue<SettledAttempt>({
    ...options,
    async write(transaction, settled) {
      for (const item of await writeSettlements(transaction, settled)) {
        const { attempt, record } = item;
        // The transaction may run again.
        if (!reported.has(item))
          onLateAnswer({ attempt: attempt.id, requestId: attempt.requestId, accountTask: record?.id ?? null });
        reported.add(item);
      }
    },
    sizeOf: ({ outcome, record }) => Buffer.byteLength(outcome) + Buffer.byteLength(record?.detail ?? ''),
  });
}

/** Converts the end of an attempt. Only a failure whose outcome is UNKNOWN keeps its key from being used again. */
export function toSettled(attempt: Attempt, end: KeyedResult | TaskFailure): SettledAttempt {
  if (!(end instanceof TaskFailure)) {
    const record = toRecord(attempt.owner, end.accountTask ?? { ID: attempt.facts.taskId });
    return { attempt, state: 'CREATED', outcome: formatResult(end), code: '', record };
  }
  const { code } = end;
  if (end.outcome === 'UNKNOWN') return { attempt, state: 'UNKNOWN', outcome: formatFailure(end), code, record: null };
  return { attempt, state: null, outcome: '', code, record: null };
}

/**
 * Writes how attempts ended, but leaves alone what an operator has settled. Returns the answers that came too late.
 * Operators lock an attempt before its key, and a key before a record. So does this, or both could wait for each other.
 */
async function writeSettlements(
  transaction: SqlTransaction,
  settled: readonly SettledAttempt[],
): Promise<readonly SettledAttempt[]> {
  const [unknown, answered] = [true, false].map((isUnknown) =>
    settled.filter(({ state }) => (state === 'UNKNOWN') === isUnknown),
  ) as [SettledAttempt[], SettledAttempt[]];
  const bySettler = await deleteAttempts(
    transaction,
    answered.map(({ attempt }) => attempt.id),
  );
  await insertUnkeyed(transaction, unknown);
  for (const { attempt, code } of unknown) await markUnknown(transaction, attempt.id, code);
  for (const { attempt, state, outcome } of settled) {
    const { owner, key, id } = attempt;
    if (key === null) continue;
    await writeEnd(
      transaction,
      { scope: owner.scope, idempotencyKey: key, attemptId: id },
      { state, outcome, settledBy: null },
    );
  }
  await writeRecords(
    transaction,
    settled.flatMap(({ record }) => record ?? []),
  );
  return answered.filter(({ attempt }) => bySettler.has(attempt.id));
}

/** An attempt without a key is of interest only if its fate is unknown. */
async function insertUnkeyed(transaction: SqlTransaction, unknown: readonly SettledAttempt[]): Promise<void> {
  const unkeyed = unknown.filter(({ attempt }) => attempt.key === null);
  if (unkeyed.length === 0) return;
  const nowMs = await readClock(transaction);
  const rows = unkeyed.map(({ attempt }) => {
    const triedAt = toIso(nowMs - Math.floor(performance.now() - attempt.startedAtMs));
    return { attempt, triedAt, leaseUntil: triedAt };
  });
  await insertAttempts(transaction, rows);
}
