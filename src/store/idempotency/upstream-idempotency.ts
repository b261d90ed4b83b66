import { setTimeout as delay } from 'node:timers/promises';
import type { CreatedAccountTask } from '../../contract/account-task.ts';
import type { BeginStep } from '../../contract/call-steps.ts';
import { TaskFailure } from '../../contract/failure.ts';
import type { TaskService } from '../../contract/task-service.ts';
import { type Attempt, idempotencyConflict, idempotencyInProgress, toAttempt, toReplay } from './attempt.ts';
import type { KnownClaim } from './claims.ts';
import type { Ledger } from './ledger.ts';
import { credentialRefused } from '../refused-credentials.ts';
import type { Settlement } from './settlements.ts';

export interface IdempotencyOptions {
  readonly ledger: Ledger;
  /** How long a second attempt waits for the first before it is told that it is under way. */
  readonly waitMs: number;
  /** How many may wait so; one more is told at once. */
  readonly maxWaiting?: number;
}

const POLL_MS = 25;

/** A task service that sends a task once for each idempotency key, and an attempt of unknown fate never again. */
export function idempotentTaskService(
  inner: TaskService,
  { ledger, waitMs, maxWaiting = 1_000 }: IdempotencyOptions,
): TaskService {
  let waiting = 0;
  /** Asks until the ledger has another answer than that the first attempt is under way, or it has taken too long. */
  const askPatiently = async (attempt: Attempt, beginStep: BeginStep | undefined): Promise<KnownClaim> => {
    const untilMs = performance.now() + waitMs;
    let answer = await ledger.claim(attempt, beginStep);
    if (answer.kind !== 'running' || waiting >= maxWaiting) return answer;
    waiting += 1;
    try {
      while (answer.kind === 'running' && performance.now() < untilMs) {
        await delay(POLL_MS);
        answer = await ledger.claim(attempt, beginStep);
      }
      return answer;
    } finally {
      waiting -= 1;
    }
  };
  return {
    ...inner,
    async create(task, call) {
      const attempt = toAttempt(task, call);
      if (!attempt) return inner.create(task, call);
      const earlier = toEarlier(await askPatiently(attempt, call.beginStep));
      if (earlier) return toReplay(earlier);
      try {
        const created = await inner.create(task, call);
        await ledger.settle(attempt, { kind: 'created', created }, call.beginStep);
        return created;
      } catch (error) {
        await ledger.settle(attempt, toSettlement(error), call.beginStep);
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
function toEarlier(answer: KnownClaim): CreatedAccountTask | null {
  if (answer.kind === 'claimed') return null;
  if (answer.kind === 'created') return answer.created;
  if (answer.kind === 'unknown') throw answer.failure;
  if (answer.kind === 'refused') throw credentialRefused();
  throw answer.kind === 'conflict' ? idempotencyConflict() : idempotencyInProgress();
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
