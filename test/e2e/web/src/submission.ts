import type { CreateAccountTaskInput } from '../../../../src/client/documents.ts';
import type { CreateOutcome } from './create-account-task.ts';
import { type CreateFailure, NO_ANSWER } from './create-failure.ts';

/** One task that the user wants. Its key makes the gateway create it once, however often the page sends it. */
export interface Submission {
  readonly idempotencyKey: string;
  /** Kept with the key, since the gateway refuses the key with another input. */
  readonly input: CreateAccountTaskInput;
  /** How the last try failed; null before the first. */
  readonly failure: CreateFailure | null;
  /** True after a try of unknown outcome, which may have created the task. */
  readonly mayExist: boolean;
}

/** Creates a submission with a new key for a new intent of the user. */
export function newSubmission(input: CreateAccountTaskInput): Submission {
  return { idempotencyKey: crypto.randomUUID(), input, failure: null, mayExist: false };
}

/** Returns the submission to send again after a try; null if it is settled. */
export function afterTry(submission: Submission, outcome: CreateOutcome): Submission | null {
  if (outcome.kind === 'created') return null;
  const { failure } = outcome;
  if (failure.outcome === 'UNKNOWN') return { ...submission, failure, mayExist: true };
  if (failure.outcome === 'REJECTED') return failure.retryable ? { ...submission, failure, mayExist: false } : null;
  // This try was not sent, but an earlier one may have been.
  return failure.retryable || submission.mayExist ? { ...submission, failure } : null;
}

/** The part of `sessionStorage` that is used. It survives a reload and ends with the tab. */
export interface TabStorage {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
  removeItem(name: string): void;
}

export interface KeptSubmission {
  /** Returns the submission that the page left unfinished before a reload. */
  read(): Submission | null;
  /** Stores a submission as unanswered. Call it before sending, so that a reload finds it. */
  sending(submission: Submission): void;
  /** Stores the submission to send again; null if it is settled. */
  write(submission: Submission | null): void;
}

export function keepSubmission(storage: TabStorage): KeptSubmission {
  const name = 'submission';
  const write = (submission: Submission | null): void => {
    if (submission) storage.setItem(name, JSON.stringify(submission));
    else storage.removeItem(name);
  };
  return {
    read: () => JSON.parse(storage.getItem(name) ?? 'null') as Submission | null,
    sending: (submission) => write({ ...submission, failure: NO_ANSWER, mayExist: true }),
    write,
  };
}
