/*
 * Idempotency keys in store mode. Whether a second use of a key replays the first result or conflicts is decided here,
 * inside the transaction that stores the task: key and task are committed together, so there is no claim and no lease.
 * Upstream mode decides in upstream-idempotency.ts.
 */
import type { CreatedAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { toIso, type SqlTransaction } from '../sql/database.ts';
import { idempotencyConflict, idempotencyInProgress, type KeyedAttempt } from './attempt.ts';
import { formatResult, insertKeys, type KnownKey, readEnd, readKeys } from './keys.ts';

type Decision = CreatedAccountTask | TaskFailure;

/**
 * Returns a decision for each registration, in their order: the replayed result if its key is known, else that of `decide`.
 * New keys are written with their results; a registration that fails leaves its key free.
 */
export async function replayOrDecide<Registration extends { readonly attempt: KeyedAttempt | null }>(
  transaction: SqlTransaction,
  registrations: readonly Registration[],
  decide: (registration: Registration) => Decision,
  keyExpiryMs: number,
): Promise<readonly Decision[]> {
  const attempts = registrations.flatMap(({ attempt }) => attempt ?? []);
  if (attempts.length === 0) return registrations.map(decide);
  const { nowMs, find: findKnown } = await readKeys(transaction, attempts);
  const decisions = await Promise.all(
    registrations.map(async (registration) => {
      const known = registration.attempt && findKnown(registration.attempt);
      return registration.attempt && known ? replay(transaction, registration.attempt, known) : decide(registration);
    }),
  );
  const newKeys = registrations.flatMap(({ attempt }, index) => {
    const decision = decisions[index] as Decision;
    if (!attempt || decision instanceof TaskFailure || decision.replayed) return [];
    const outcome = formatResult(decision);
    return [
      {
        attempt,
        state: 'CREATED',
        triedAt: toIso(nowMs),
        leaseUntil: toIso(nowMs),
        expiresAt: toIso(nowMs + keyExpiryMs),
        outcome,
      } as const,
    ];
  });
  if (newKeys.length === 0) return decisions;
  await insertKeys(transaction, newKeys);
  // Another attempt with the same key may have been first, in this batch or in another process.
  const { find: findWinner } = await readKeys(transaction, attempts);
  return Promise.all(
    registrations.map(async ({ attempt }, index) => {
      const decision = decisions[index] as Decision;
      const winner = attempt && findWinner(attempt);
      if (!attempt || !winner || winner.attemptId === attempt.id || isFinal(decision)) return decision;
      return replay(transaction, attempt, winner);
    }),
  );
}

async function replay(transaction: SqlTransaction, { fingerprint }: KeyedAttempt, row: KnownKey): Promise<Decision> {
  if (row.fingerprint !== fingerprint) return idempotencyConflict();
  // The fingerprint says that it is a create. If the key expired and was purged between the two reads, the next attempt finds it free.
  return ((await readEnd(transaction, row)) as Decision | null) ?? idempotencyInProgress();
}

/** True for a decision that another attempt with the same key cannot change. */
function isFinal(decision: Decision): boolean {
  return decision instanceof TaskFailure || decision.replayed;
}
