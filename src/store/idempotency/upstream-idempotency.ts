/*
 * Idempotency keys in upstream mode. Whether a second use of a key is sent, replayed, refused or waits is decided here,
 * from the ledger's claim result. Store mode decides in store-idempotency.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteCall, TaskService } from '../../contract/task-service.ts';
import {
  CREATE,
  idempotencyConflict,
  idempotencyInProgress,
  type KeyedAttempt,
  type KeyedOperation,
  RUN,
  toAttempt,
  toKeyedAttempt,
} from './attempt.ts';
import type { ClaimResult } from './claims.ts';
import type { Ledger } from './ledger.ts';
import { toIdentity } from '../caller-identity.ts';
import { credentialRefused } from '../refused-credentials.ts';
import type { KeyedResult } from './outcome-json.ts';
import type { Settlement } from './settlements.ts';

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
  const claimOrWait = async (attempt: KeyedAttempt): Promise<ClaimResult> => {
    const deadlineMs = performance.now() + waitMs;
    let result = await ledger.claim(attempt);
    if (result.kind !== 'running' || waiting >= maxWaiting) return result;
    waiting += 1;
    try {
      while (result.kind === 'running' && performance.now() < deadlineMs) {
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
      const earlier = keyed && toEarlierResult(await claimOrWait(keyed));
      // The fingerprint says that it is a result of the same operation.
      if (earlier) return earlier as Result;
      const startedAtMs = performance.now();
      try {
        const result = await write(input, call);
        if (keyed) await ledger.settle(keyed, { kind: 'succeeded', result });
        return result;
      } catch (error) {
        const settlement = toSettlement(error);
        // Without a key, only an unknown fate is of interest.
        if (keyed || settlement.kind === 'unknown')
          await ledger.settle(keyed ?? toAttempt(operation, input, call, startedAtMs), settlement);
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

/** Returns the result to replay, or null if the write is to be sent. @throws TaskFailure if it must not be sent. */
function toEarlierResult(result: ClaimResult): KeyedResult | null {
  if (result.kind === 'claimed') return null;
  if (result.kind === 'succeeded') return result.result;
  if (result.kind === 'unknown') throw result.failure;
  if (result.kind === 'refused') throw credentialRefused();
  throw result.kind === 'conflict' ? idempotencyConflict() : idempotencyInProgress();
}

function toSettlement(error: unknown): Settlement {
  if (!(error instanceof TaskFailure)) return { kind: 'unknown', failure: unexpected() };
  return error.outcome === 'UNKNOWN' ? { kind: 'unknown', failure: error } : { kind: 'released' };
}

function unexpected(): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_FAILED',
    'The gateway failed while it was sending this; it may have been carried out.',
  );
}
