import type { CreateAccountTaskInput } from '../../../generated/graphql.ts';
import type { CreateOutcome } from './create-account-task.ts';
import { type CreateFailure, NO_ANSWER } from './create-failure.ts';

/** A task that the user asked for once, however often the page asks the gateway: under one key it is created once. */
export interface Submission {
  readonly idempotencyKey: string;
  /** The same key with another input is refused, so both are kept together. */
  readonly input: CreateAccountTaskInput;
  /** How the last try failed; null before the first. */
  readonly failure: CreateFailure | null;
  /** True once a try has ended without anybody knowing whether it created the task. */
  readonly mayExist: boolean;
}

/** A new intent of the user's has a new key. */
export function newSubmission(input: CreateAccountTaskInput): Submission {
  return { idempotencyKey: crypto.randomUUID(), input, failure: null, mayExist: false };
}

/** What is left to do after a try: the same submission again, or nothing. */
export function afterTry(submission: Submission, outcome: CreateOutcome): Submission | null {
  if (outcome.kind === 'created') return null;
  const { failure } = outcome;
  if (failure.outcome === 'UNKNOWN') return { ...submission, failure, mayExist: true };
  if (failure.outcome === 'REJECTED') return failure.retryable ? { ...submission, failure, mayExist: false } : null;
  // This try was not sent, which says nothing of an earlier one that may have been.
  return failure.retryable || submission.mayExist ? { ...submission, failure } : null;
}

/** The part of `sessionStorage` that is used: it outlives a reload, and ends with the tab. */
export interface TabStorage {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
  removeItem(name: string): void;
}

export interface KeptSubmission {
  /** What an earlier life of the page has left to do. */
  read(): Submission | null;
  /** Call it before the first byte leaves: who comes back finds a submission whose try has no known end. */
  sending(submission: Submission): void;
  /** What came of the try; null: nothing is left to do. */
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
