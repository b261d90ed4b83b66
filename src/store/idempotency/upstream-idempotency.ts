/*
 * Idempotency keys in upstream mode. Whether a second use of a key is sent, replayed, refused or waits is decided here,
 * from the ledger's claim result. Store mode decides in store-idempotency.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteCall, TaskService } from '../../contract/task-service.ts';
import {
  CREATE,
  idempotencyInProgress,
  type KeyedAttempt,
  type KeyedOperation,
  RUN,
  toAttempt,
  toKeyedAttempt,
} from './attempt.ts';
import type { KeyedResult } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { toIdentity } from '../caller-identity.ts';

export interface IdempotencyOptions {
  readonly ledger: Ledger;
  /** How long a second attempt waits for the first before it fails with IDEMPOTENCY_IN_PROGRESS. */
  readonly waitMs: number;
  /** How many attempts may wait at once; further ones fail immediately. */
  readonly maxWaiting?: number;
}

const POLL_MS = 25;

/** Decorates a task service so that it sends a create or run once per idempotency key, and never repeats one of unknown fate. */
export function idempotentTaskService(
  inner: TaskService,
  { ledger, waitMs, maxWaiting = 1_000 }: IdempotencyOptions,
): TaskService {
  let waiting = 0;
  /** Claims the key. While another attempt holds the claim, polls until that one has settled or the wait is over. */
  const claimOrWait = async (attempt: KeyedAttempt): ReturnType<Ledger['claim']> => {
    const deadlineMs = performance.now() + waitMs;
    let result = await ledger.claim(attempt);
    if (result !== 'running' || waiting >= maxWaiting) return result;
    waiting += 1;
    try {
      while (result === 'running' && performance.now() < deadlineMs) {
        await delay(POLL_MS);
        result = await ledger.claim(attempt);
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
      try {
        const result = await write(input, call);
        if (keyed) await ledger.settle(keyed, result);
        return result;
      } catch (error) {
        const failure = error instanceof TaskFailure ? error : unexpected();
        // Without a key, only an unknown fate is of interest.
        if (keyed || failure.outcome === 'UNKNOWN')
          await ledger.settle(keyed ?? toAttempt(operation, input, call, startedAtMs), failure);
        throw error;
      }
    };
  return {
    ...inner,
    create: once(CREATE, inner.create),
    run: once(RUN, inner.run),
    findOutcome: (idempotencyKey, { caller }) => ledger.find(toIdentity(caller), idempotencyKey),
    async close() {
      await inner.close();
      await ledger.close();
    },
  };
}

function unexpected(): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_FAILED',
    'The gateway failed while it was sending this; it may have been carried out.',
  );
}
