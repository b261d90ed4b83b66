import { type AccountTask, readAccountTask, type StartedRun } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import { type FailureEvidence, type FailureKind, TaskFailure } from '../../contract/failure.ts';

/** The result of a write with an idempotency key. */
export interface KeyedResult extends StartedRun {
  /** The task that a create returned; absent for a run. */
  readonly accountTask?: AccountTask;
}

/** Formats a result as JSON that preserves the digits of its numbers. */
export function formatResult({ accountTask, Identification, Result }: KeyedResult): string {
  const { detail: Detail, recordedAt } = accountTask ?? {};
  return JSON.stringify({ Identification, Result, Detail, recordedAt });
}

/** Parses the result of `formatResult`, as a replay. */
export function parseReplay(text: string): KeyedResult {
  const stored = parseJsonKeepingDigits(text) as unknown as StoredResult;
  const { Identification, Result, Detail, recordedAt = null } = stored;
  const result = { Identification, Result, replayed: true };
  if (Detail === undefined) return result;
  const accountTask = readAccountTask(Detail, 'Detail');
  if ('at' in accountTask) throw new Error(`A stored result cannot be read: ${accountTask.at} ${accountTask.problem}`);
  return { accountTask: { ...accountTask, recordedAt }, ...result };
}

/** A result as it is stored. Those of older versions do not say when the task was shown. */
interface StoredResult extends Pick<StartedRun, 'Identification' | 'Result'> {
  readonly Detail?: JsonObject;
  readonly recordedAt?: string | null;
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
