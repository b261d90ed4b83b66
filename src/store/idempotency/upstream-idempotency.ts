/*
 * Idempotency keys in upstream mode. Whether a second use of a key is sent, replayed, refused or waits is decided here,
 * from the ledger's claim result. Store mode decides in store-idempotency.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CreatedAccountTask, NewAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteCall, TaskService } from '../../contract/task-service.ts';
import {
  idempotencyConflict,
  idempotencyInProgress,
  type KeyedAttempt,
  toAttempt,
  toKeyedAttempt,
  toReplay,
} from './attempt.ts';
import type { ClaimResult } from './claims.ts';
import type { Ledger } from './ledger.ts';
import { toIdentity } from '../caller-identity.ts';
import { credentialRefused } from '../refused-credentials.ts';
import type { Settlement } from './settlements.ts';

export interface IdempotencyOptions {
  readonly ledger: Ledger;
  /** How long a second attempt waits for the first before it fails with IDEMPOTENCY_IN_PROGRESS. */
  readonly waitMs: number;
  /** How many attempts may wait at once; further ones fail immediately. */
  readonly maxWaiting?: number;
}

const POLL_MS = 25;

/** Decorates a task service so that it sends a task once per idempotency key, and never repeats one of unknown fate. */
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
  const createWithoutKey = async (task: NewAccountTask, call: WriteCall): Promise<CreatedAccountTask> => {
    const startedAtMs = performance.now();
    try {
      return await inner.create(task, call);
    } catch (error) {
      const settlement = toSettlement(error);
      if (settlement.kind === 'unknown') await ledger.settle(toAttempt(task, call, startedAtMs), settlement);
      throw error;
    }
  };
  return {
    ...inner,
    async create(task, call) {
      const attempt = toKeyedAttempt(task, call);
      if (!attempt) return createWithoutKey(task, call);
      const earlier = toEarlierResult(await claimOrWait(attempt));
      if (earlier) return toReplay(earlier);
      try {
        const created = await inner.create(task, call);
        await ledger.settle(attempt, { kind: 'created', created });
        return created;
      } catch (error) {
        await ledger.settle(attempt, toSettlement(error));
        throw error;
      }
    },
    findOutcome: (idempotencyKey, { caller }) => ledger.find(toIdentity(caller), idempotencyKey),
    async close() {
      await inner.close();
      await ledger.close();
    },
  };
}

/** Returns the result to replay, or null if the task is to be sent. @throws TaskFailure if it must not be sent. */
function toEarlierResult(result: ClaimResult): CreatedAccountTask | null {
  if (result.kind === 'claimed') return null;
  if (result.kind === 'created') return result.created;
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
    { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
    'The gateway failed while it was sending this task; the task may have been created.',
  );
}
