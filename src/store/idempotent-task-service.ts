import { setTimeout as delay } from 'node:timers/promises';
import type { CreatedAccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { TaskService } from '../contract/task-service.ts';
import { type Attempt, idempotencyConflict, idempotencyInProgress, toAttempt, toReplay } from './idempotency.ts';
import type { Ledger } from './ledger.ts';
import type { Settlement } from './settlements.ts';

export interface IdempotencyOptions {
  readonly ledger: Ledger;
  /** How long a second attempt waits for the first before it is told that it is under way. */
  readonly waitMs: number;
}

const POLL_MS = 25;

/** A task service that sends a task once for each idempotency key, and an attempt of unknown fate never again. */
export function idempotentTaskService(inner: TaskService, { ledger, waitMs }: IdempotencyOptions): TaskService {
  return {
    ...inner,
    async create(task, call) {
      const attempt = toAttempt(task, call);
      if (!attempt) return inner.create(task, call);
      const earlier = await claim(ledger, attempt, waitMs);
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
    async close() {
      await inner.close();
      await ledger.close();
    },
  };
}

/** Null when the attempt is to be sent; the earlier result when there is one; throws what stands in its way. */
async function claim(ledger: Ledger, attempt: Attempt, waitMs: number): Promise<CreatedAccountTask | null> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const answer = await ledger.claim(attempt);
    if (answer.kind === 'claimed') return null;
    if (answer.kind === 'created') return answer.created;
    if (answer.kind === 'unknown') throw answer.failure;
    if (answer.kind === 'conflict') throw idempotencyConflict();
    if (waitedMs >= waitMs) throw idempotencyInProgress();
    await delay(POLL_MS);
  }
}

function toSettlement(error: unknown): Settlement {
  if (!(error instanceof TaskFailure)) return { kind: 'unknown', failure: unexpected() };
  return error.outcome === 'UNKNOWN' ? { kind: 'unknown', failure: error } : { kind: 'nothing' };
}

function unexpected(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
    'The gateway failed while it was sending this task; the task may have been created.',
  );
}
