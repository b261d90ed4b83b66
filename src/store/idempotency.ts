import { createHash, randomUUID } from 'node:crypto';
import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Caller, CreateCall } from '../contract/task-service.ts';

/** One try to create a task under an idempotency key. */
export interface Attempt {
  /** Whose key it is; see `toScope`. */
  readonly scope: string;
  readonly key: string;
  /** Equal for equal tasks, and told apart by a single byte. */
  readonly fingerprint: string;
  /** Tells this try from every other of the same key. */
  readonly id: string;
}

/** The attempt a call makes; null for a call without a key. */
export function toAttempt(task: NewAccountTask, { caller, idempotencyKey }: CreateCall): Attempt | null {
  if (idempotencyKey == null) return null;
  const { TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification } = task;
  const fingerprint = sha256(
    JSON.stringify([TaskID, Frequency, StartDate, FinishDate, Parameters, ContentType, Notification]),
  );
  return { scope: toScope(caller), key: idempotencyKey, fingerprint, id: randomUUID() };
}

/** Whose keys and recorded tasks are the same: a client, a JWT's subject, or whoever sends the same Authorization header. */
export function toScope(caller: Caller): string {
  if (caller.kind === 'account') return `account:${caller.accountId}:${caller.clientId ?? ''}`;
  if (caller.kind === 'subject') return `subject:${sha256(caller.subject)}`;
  return `authorization:${sha256(caller.authorization)}`;
}

/** A result that was given before, given again. */
export function toReplay(created: CreatedAccountTask): CreatedAccountTask {
  return { ...created, replayed: true };
}

export function idempotencyConflict(): TaskFailure {
  return new TaskFailure(
    { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' },
    'This idempotencyKey was used for another input; nothing was sent.',
  );
}

export function idempotencyInProgress(): TaskFailure {
  return new TaskFailure(
    { code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT' },
    'A create with this idempotencyKey is still under way; ask again with the same key.',
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
