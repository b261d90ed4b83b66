import { expect } from 'vitest';
import { type FailureKind, TaskFailure } from '../../src/contract/failure.ts';

/** Expects a call to fail with this code and outcome, without details of the upstream in its message; returns the failure. */
export async function expectFailure(
  call: Promise<unknown>,
  kind: FailureKind & { readonly retryable: boolean },
): Promise<TaskFailure> {
  const failure: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(TaskFailure);
  const { code, outcome, retryable, message } = failure as TaskFailure;
  expect({ code, outcome, retryable }).toEqual(kind);
  expect(message).not.toMatch(/127\.0\.0\.1|localhost|invalid|:\d{4}|UND_|HPE_|ECONN|undefined|null/);
  return failure as TaskFailure;
}
