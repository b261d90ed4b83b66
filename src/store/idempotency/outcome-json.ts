import { type CreatedAccountTask, readAccountTask } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import { type FailureEvidence, type FailureKind, TaskFailure } from '../../contract/failure.ts';

/** Formats a create's result as JSON that preserves the digits of its numbers. */
export function formatCreated({ accountTask, Identification, Result }: CreatedAccountTask): string {
  const { detail: Detail, recordedAt } = accountTask;
  return JSON.stringify({ Identification, Result, Detail, recordedAt });
}

/** Parses the result of `formatCreated`. */
export function parseCreated(text: string): CreatedAccountTask {
  const {
    Identification,
    Result,
    Detail,
    recordedAt = null,
  } = parseJsonKeepingDigits(text) as unknown as Pick<CreatedAccountTask, 'Identification' | 'Result'> & {
    readonly Detail: JsonObject;
    readonly recordedAt?: string | null;
  };
  const accountTask = readAccountTask(Detail, 'Detail');
  if ('at' in accountTask) throw new Error(`A stored result cannot be read: ${accountTask.at} ${accountTask.problem}`);
  return { accountTask: { ...accountTask, recordedAt }, Identification, Result, replayed: false };
}

/** A failure of unknown fate, as it is stored. */
interface FailureRecord extends FailureEvidence {
  readonly code: Extract<FailureKind, { readonly outcome: 'UNKNOWN' }>['code'];
  readonly message: string;
}

/** Formats a failure of unknown fate as JSON. */
export function formatFailure({ code, message, errorCode, errorReason }: TaskFailure): string {
  return JSON.stringify({ code, message, errorCode, errorReason });
}

/** Parses the result of `formatFailure`. */
export function parseFailure(text: string): TaskFailure {
  const { code, message, ...evidence } = JSON.parse(text) as FailureRecord;
  return new TaskFailure({ code, outcome: 'UNKNOWN' }, message, evidence);
}
