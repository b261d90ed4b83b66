/*
 * Idempotency keys in upstream mode. A key is claimed durably before the first byte of its write is sent, and settled after the
 * answer. Whether a second use of a key is sent, replayed, refused or waits is decided here. Store mode decides in
 * store-idempotency.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteCall, TaskService } from '../../contract/task-service.ts';
import { toIdentity } from '../caller-identity.ts';
import { type ObserveCommits, createGroupCommit } from '../group-commit.ts';
import { checkCredential, credentialRefused, readRefused } from '../refused-credentials.ts';
import { type Database, type SqlTransaction, toIso } from '../sql/database.ts';
import { throwReadFailure } from '../store-failure.ts';
import {
  abandoned,
  CREATE,
  idempotencyConflict,
  idempotencyInProgress,
  type KeyedAttempt,
  type KeyedOperation,
  RUN,
  toAttempt,
  toKeyedAttempt,
} from './attempt.ts';
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

export interface IdempotencyOptions {
  readonly database: Database;
  /** Longer than any write takes. A write that has not been sent by then is not sent. */
  readonly leaseMs: number;
  /** How long an idempotency key replays its first result. */
  readonly keyExpiryMs: number;
  /** How long a second attempt waits for the first before it fails with IDEMPOTENCY_IN_PROGRESS. */
  readonly keyWaitMs: number;
  readonly maxPending: number;
  /** How many attempts may wait at once; further ones fail immediately. */
  readonly maxWaiting?: number;
  /**
   * Called for each settlement that could not be written, and again if it is dropped; the attempt then becomes UNKNOWN. It is
   * called for the record of a task, too, if that was to be written with the settlement.
   */
  readonly onUnwritten: (what: 'settlement' | 'record', error: unknown) => void;
  /** Called for an answer that arrived after an operator had settled its attempt. */
  readonly onLateAnswer: (late: LateAnswer) => void;
  readonly observeCommits?: ObserveCommits | undefined;
}

const POLL_MS = 25;

/** Decorates a task service so that it sends a create or run once per idempotency key, and never repeats one of unknown fate. */
export function idempotentTaskService(inner: TaskService, options: IdempotencyOptions): TaskService {
  const { database, leaseMs, keyWaitMs, maxPending, maxWaiting = 1_000, observeCommits } = options;
  const { onUnwritten, onLateAnswer } = options;
  const settlements = createSettlements({
    database,
    maxPending,
    onUnwritten(error, { record }) {
      onUnwritten('settlement', error);
      if (record) onUnwritten('record', error);
    },
    onLateAnswer,
    observer: observeCommits?.('settlement'),
  });
  const claims = createGroupCommit({
    database,
    maxPending,
    observer: observeCommits?.('claim'),
    write: (transaction, attempts: readonly KeyedAttempt[]) => claimKeys(transaction, attempts, options),
  });
  /**
   * Claims a key. `claimed`: the write may be sent. `running`: another attempt holds the claim. Otherwise the result of an earlier
   * attempt, as a replay. What is queued to be settled is written before.
   * @throws TaskFailure if the write must not be sent: the key was used for another one, an earlier attempt may have been carried
   * out, or the service has refused the caller's credential since.
   */
  const claimKey = async (attempt: KeyedAttempt): Promise<'claimed' | 'running' | KeyedResult> => {
    await settlements.flush();
    const claim = await claims.add(attempt).catch((error: unknown) => {
      if (!(error instanceof TaskFailure) || error.code !== 'STORE_FAILED') throw error;
      // The claim may have been stored, and must not block the next attempt.
      const failure = new TaskFailure(
        'STORE_UNAVAILABLE',
        'The gateway cannot store the idempotencyKey at the moment; nothing was sent.',
        { cause: error },
      );
      settlements.enqueue(toSettled(attempt, failure));
      throw failure;
    });
    if (typeof claim === 'string') return claim;
    const end = await readEnd(database, claim).catch(throwReadFailure);
    if (end instanceof TaskFailure) throw end;
    return end ?? 'running';
  };
  let waiting = 0;
  /** Claims the key. While another attempt holds the claim, polls until that one has settled or the wait is over. */
  const claimOrWait = async (attempt: KeyedAttempt): ReturnType<typeof claimKey> => {
    const deadlineMs = performance.now() + keyWaitMs;
    let result = await claimKey(attempt);
    if (result !== 'running' || waiting >= maxWaiting) return result;
    waiting += 1;
    try {
      while (result === 'running' && performance.now() < deadlineMs) {
        await delay(POLL_MS);
        result = await claimKey(attempt);
      }
      return result;
    } finally {
      waiting -= 1;
    }
  };
  const once =
    <Input, Result extends KeyedResult>(
      operation: KeyedOperation<Input>,
      write: (input: Input, call: WriteCall) => Promise<Result>,
    ) =>
    async (input: Input, call: WriteCall): Promise<Result> => {
      const keyed = toKeyedAttempt(operation, input, call);
      const claim = keyed ? await claimOrWait(keyed) : 'claimed';
      if (claim === 'running') throw idempotencyInProgress();
      // The fingerprint says that it is a result of the same operation.
      if (claim !== 'claimed') return claim as Result;
      const startedAtMs = performance.now();
      // After its lease, which began later than the attempt, an operator may settle the attempt as not carried out.
      const leaseEndMs = keyed ? keyed.startedAtMs + leaseMs : Infinity;
      try {
        const result = await write(input, { ...call, deadlineMs: Math.min(call.deadlineMs ?? Infinity, leaseEndMs) });
        if (keyed) await settlements.write(toSettled(keyed, result));
        return result;
      } catch (error) {
        const failed = 'The gateway failed while it was sending this; it may have been carried out.';
        const failure = error instanceof TaskFailure ? error : new TaskFailure('UPSTREAM_FAILED', failed);
        // Without a key, only an unknown fate is of interest.
        if (keyed || failure.outcome === 'UNKNOWN')
          await settlements.write(toSettled(keyed ?? toAttempt(operation, input, call, startedAtMs), failure));
        throw error;
      }
    };
  return {
    ...inner,
    create: once(CREATE, inner.create),
    run: once(RUN, inner.run),
    async findOutcome(idempotencyKey, { caller }) {
      const owner = toIdentity(caller);
      await settlements.flush();
      const outcome = readWriteOutcome(database, owner, idempotencyKey).catch(throwReadFailure);
      return (await Promise.all([outcome, checkCredential(database, owner)]))[0];
    },
    async close() {
      await inner.close();
      await claims.close();
      await settlements.close();
    },
  };
}

/** Claims the free keys. Returns for each attempt, in their order, its claim, the settled key of another one, or a failure. */
async function claimKeys(
  transaction: SqlTransaction,
  attempts: readonly KeyedAttempt[],
  { leaseMs, keyExpiryMs }: IdempotencyOptions,
): Promise<readonly ('claimed' | 'running' | KnownKey | TaskFailure)[]> {
  const { nowMs, find: findBefore } = await readKeys(transaction, attempts);
  const [now, leaseUntil, expiresAt] = [nowMs, nowMs + leaseMs, nowMs + keyExpiryMs].map(toIso) as [
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
