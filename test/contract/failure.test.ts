import { describe, expect, test } from 'vitest';
import { badInput, FAILURES, type FailureKind, TaskFailure } from '../../src/contract/failure.ts';

/** The rules that callers rely on; every new code must keep them. */
describe('the failure codes', () => {
  test.each(FAILURES)('$code is not retryable if its outcome may be UNKNOWN', ({ outcomes, retryable }) => {
    expect(outcomes.includes('UNKNOWN') && retryable).toBe(false);
  });

  const [unknown, known] = [true, false].map((isUnknown) =>
    FAILURES.filter(({ outcomes }) => outcomes.includes('UNKNOWN') === isUnknown),
  );

  test.each(unknown ?? [])('$code has no other outcome than UNKNOWN and the REST status 500', (failure) => {
    expect(failure).toMatchObject({ outcomes: ['UNKNOWN'], restStatus: 500 });
  });

  test.each(known ?? [])('$code has a REST status that says that no task was created', ({ retryable, restStatus }) => {
    expect(restStatus < 500 || (restStatus === 503 && retryable) || restStatus === 501).toBe(true);
  });
});

describe('TaskFailure', () => {
  test.each(FAILURES)('TaskFailure with code $code has the facts of its code', ({ code, outcomes, ...facts }) => {
    for (const outcome of outcomes) {
      const failure = new TaskFailure({ code, outcome } as FailureKind, 'why');
      const { retryable, restStatus } = facts;
      expect(failure).toMatchObject({ code, outcome, message: 'why', name: 'TaskFailure', retryable, restStatus });
    }
  });

  test('TaskFailure keeps evidence verbatim and leaves missing evidence undefined', () => {
    const kind: FailureKind = { code: 'TASK_REJECTED', outcome: 'REJECTED' };
    const cause = new Error('the cause');
    const failure = new TaskFailure(kind, 'why', { errorCode: ' E ', errorReason: null, cause });
    expect([failure.errorCode, failure.errorReason, failure.cause]).toStrictEqual([' E ', null, cause]);
    const bare = new TaskFailure(kind, 'why');
    expect([bare.errorCode, bare.errorReason, 'cause' in bare]).toStrictEqual([undefined, undefined, false]);
  });

  test('TaskFailure is an Error whose stack names it', () => {
    expect(badInput('taskId', 'is empty')).toBeInstanceOf(Error);
    expect(badInput('taskId', 'is empty').stack).toContain('TaskFailure: taskId: is empty');
  });
});

test('badInput names the field in its message', () => {
  const { message, code, outcome, retryable } = badInput('taskId', 'is empty');
  expect({ message, code, outcome, retryable }).toStrictEqual({
    message: 'taskId: is empty',
    code: 'BAD_USER_INPUT',
    outcome: 'NOT_SENT',
    retryable: false,
  });
});

/** Checked by tsc, which reports an error for any line below that compiles. */
export const REFUSED_KINDS: readonly FailureKind[] = [
  // @ts-expect-error the outcome of a timeout is unknown
  { code: 'UPSTREAM_TIMEOUT', outcome: 'NOT_SENT' },
  // @ts-expect-error bad input never leaves this process
  { code: 'BAD_USER_INPUT', outcome: 'REJECTED' },
  // @ts-expect-error a refusal is an answer, so its outcome is known
  { code: 'TASK_REJECTED', outcome: 'UNKNOWN' },
  // @ts-expect-error the outcome of an overload is never unknown
  { code: 'OVERLOADED', outcome: 'UNKNOWN' },
  // @ts-expect-error a connection that was never made sent nothing
  { code: 'UPSTREAM_UNREACHABLE', outcome: 'UNKNOWN' },
  // @ts-expect-error the codes are a closed union
  { code: 'TEAPOT', outcome: 'REJECTED' },
  // @ts-expect-error the outcomes are a closed union
  { code: 'TASK_REJECTED', outcome: 'MAYBE' },
  // @ts-expect-error a code needs an outcome
  { code: 'TASK_REJECTED' },
];
