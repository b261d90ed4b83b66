import { hash, randomUUID } from 'node:crypto';
import type { CreatedAccountTask, NewAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteCall } from '../../contract/task-service.ts';
import { type CallerIdentity, toIdentity } from '../caller-identity.ts';

/** One create that may have to be settled. */
export interface Attempt {
  readonly owner: CallerIdentity;
  /** The idempotency key; null if the create has none. */
  readonly key: string | null;
  /** Unique for each attempt. */
  readonly id: string;
  readonly requestId: string;
  /** The facts by which an operator finds the task. The whole task would take megabytes in the retry queue. */
  readonly task: Pick<NewAccountTask, 'TaskID' | 'StartDate' | 'FinishDate'>;
  /** In hexadecimal digits, as sha256sum prints it. */
  readonly parametersSha256: string;
  /** Milliseconds of `performance.now()`. */
  readonly startedAtMs: number;
}

/** One create under an idempotency key. */
export interface KeyedAttempt extends Attempt {
  readonly key: string;
  /** A hash of the task: equal only for equal tasks. */
  readonly fingerprint: string;
}

/** Creates the attempt of a call; null for a call without a key. */
export function toKeyedAttempt(task: NewAccountTask, call: WriteCall): KeyedAttempt | null {
  if (call.idempotencyKey == null) return null;
  const { TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification } = task;
  const values = JSON.stringify([TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification]);
  const fingerprint = hash('sha256', values, 'base64url');
  return { ...toAttempt(task, call, performance.now()), key: call.idempotencyKey, fingerprint };
}

/** Creates the attempt of a call without a key. */
export function toAttempt(task: NewAccountTask, { caller, requestId }: WriteCall, startedAtMs: number): Attempt {
  const { TaskID, StartDate, FinishDate, Parameters } = task;
  return {
    owner: toIdentity(caller),
    key: null,
    id: randomUUID(),
    requestId,
    task: { TaskID, StartDate, FinishDate },
    parametersSha256: hash('sha256', Parameters),
    startedAtMs,
  };
}

/** Marks a recorded result as replayed. */
export function toReplay(created: CreatedAccountTask): CreatedAccountTask {
  return { ...created, replayed: true };
}

export function idempotencyConflict(): TaskFailure {
  return new TaskFailure(
    { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' },
    'This idempotencyKey was already used for another input; nothing was sent. Use a new key for a new task.',
  );
}

export function idempotencyInProgress(): TaskFailure {
  return new TaskFailure(
    { code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT' },
    'A create with this idempotencyKey is still in progress; try again with the same key.',
  );
}

/** The failure of an attempt whose process ended before it stored the result: it may have been sent. */
export function abandoned(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' },
    'The gateway stopped while it was sending this task; the task may have been created.',
  );
}
