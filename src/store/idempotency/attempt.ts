import { hash, randomUUID } from 'node:crypto';
import type { NewAccountTask, RunOrder } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { TASK_FIELDS } from '../../contract/operations.ts';
import type { WriteCall, WriteOperation } from '../../contract/task-service.ts';
import { type CallerIdentity, toIdentity } from '../caller-identity.ts';

/** A kind of write that is carried out once per idempotency key, and never repeated if its fate is unknown. */
export interface KeyedOperation<Input> {
  readonly operation: WriteOperation;
  /** Returns the values that make two inputs the same. */
  readonly identify: (input: Input) => readonly (string | null)[];
  readonly toFacts: (input: Input) => AttemptFacts;
}

/** The facts by which an operator finds what was written. The whole input would take megabytes in the retry queue. */
export type AttemptFacts = {
  /** The TaskID of a create; the account task's ID of a run. */
  readonly taskId: string;
  readonly startDate: string | null;
  readonly finishDate: string | null;
  /** In hexadecimal digits, as sha256sum prints it; empty for a run. */
  readonly parametersSha256: string;
};

export const CREATE: KeyedOperation<NewAccountTask> = {
  operation: 'CREATE_ACCOUNT_TASK',
  identify: (task) => TASK_FIELDS.map((field) => task[field]),
  toFacts: ({ TaskID, StartDate, FinishDate, Parameters }) => ({
    taskId: TaskID,
    startDate: StartDate,
    finishDate: FinishDate,
    parametersSha256: hash('sha256', Parameters),
  }),
};

export const RUN: KeyedOperation<RunOrder> = {
  operation: 'RUN_ACCOUNT_TASK',
  identify: ({ id }) => ['RUN_ACCOUNT_TASK', id],
  toFacts: ({ id }) => ({ taskId: id, startDate: null, finishDate: null, parametersSha256: '' }),
};

/** One write that may have to be settled. */
export interface Attempt {
  readonly operation: WriteOperation;
  readonly facts: AttemptFacts;
  readonly owner: CallerIdentity;
  /** The idempotency key; null if the write has none. */
  readonly key: string | null;
  /** Unique for each attempt. */
  readonly id: string;
  readonly requestId: string;
  /** Milliseconds of `performance.now()`. */
  readonly startedAtMs: number;
}

/** One write under an idempotency key. */
export interface KeyedAttempt extends Attempt {
  readonly key: string;
  /** A hash of the operation and its input: equal only if both are. */
  readonly fingerprint: string;
}

/** Creates the attempt of a call; null for a call without a key. */
export function toKeyedAttempt<Input>(
  keyed: KeyedOperation<Input>,
  input: Input,
  call: WriteCall,
): KeyedAttempt | null {
  if (call.idempotencyKey == null) return null;
  const fingerprint = hash('sha256', JSON.stringify(keyed.identify(input)), 'base64url');
  return { ...toAttempt(keyed, input, call, performance.now()), key: call.idempotencyKey, fingerprint };
}

/** Creates the attempt of a call without a key. */
export function toAttempt<Input>(
  { operation, toFacts }: KeyedOperation<Input>,
  input: Input,
  { caller, requestId }: WriteCall,
  startedAtMs: number,
): Attempt {
  return {
    operation,
    facts: toFacts(input),
    owner: toIdentity(caller),
    key: null,
    id: randomUUID(),
    requestId,
    startedAtMs,
  };
}

export function idempotencyConflict(): TaskFailure {
  return new TaskFailure(
    'IDEMPOTENCY_CONFLICT',
    'This idempotencyKey was already used for another write; nothing was sent. Use a new key for each write.',
  );
}

export function idempotencyInProgress(): TaskFailure {
  return new TaskFailure(
    'IDEMPOTENCY_IN_PROGRESS',
    'A write with this idempotencyKey is still in progress; try again with the same key.',
  );
}

/** The failure of an attempt whose process ended before it stored the result: it may have been sent. */
export function abandoned(): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_CONNECTION_LOST',
    'The gateway stopped while it was sending this; it may have been carried out.',
  );
}
