import { createHash, randomUUID } from 'node:crypto';
import type { CreatedAccountTask, NewAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import type { CreateCall } from '../../contract/task-service.ts';
import { type CallerIdentity, toIdentity } from '../caller-identity.ts';

/** One create under an idempotency key. */
export interface Attempt {
  readonly owner: CallerIdentity;
  readonly key: string;
  /** A hash of the task: equal only for equal tasks. */
  readonly fingerprint: string;
  /** Unique for each attempt. */
  readonly id: string;
}

/** Creates the attempt of a call; null for a call without a key. */
export function toAttempt(task: NewAccountTask, { caller, idempotencyKey }: CreateCall): Attempt | null {
  if (idempotencyKey == null) return null;
  const { TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification } = task;
  const fingerprint = sha256(
    JSON.stringify([TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification]),
  );
  return { owner: toIdentity(caller), key: idempotencyKey, fingerprint, id: randomUUID() };
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
