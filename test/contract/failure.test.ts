import { describe, expect, test } from 'vitest';
import { badInput, type FailureKind, TaskFailure } from '../../src/contract/failure.ts';

const KINDS: readonly (readonly [FailureKind, boolean])[] = [
  [{ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, false],
  [{ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, false],
  [{ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, false],
  [{ code: 'FORBIDDEN', outcome: 'NOT_SENT' }, false],
  [{ code: 'FORBIDDEN', outcome: 'REJECTED' }, false],
  [{ code: 'CLIENT_REQUIRED', outcome: 'REJECTED' }, false],
  [{ code: 'TASK_NOT_FOUND', outcome: 'REJECTED' }, false],
  [{ code: 'TASK_REJECTED', outcome: 'REJECTED' }, false],
  [{ code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' }, false],
  [{ code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT' }, true],
  [{ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, true],
  [{ code: 'OVERLOADED', outcome: 'NOT_SENT' }, true],
  [{ code: 'OVERLOADED', outcome: 'REJECTED' }, true],
  [{ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, false],
  [{ code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' }, false],
  [{ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, false],
  [{ code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN' }, false],
];

describe('TaskFailure', () => {
  test.each(KINDS)('TaskFailure of kind %o has retryable %s', (kind, retryable) => {
    expect(new TaskFailure(kind, 'why')).toMatchObject({ ...kind, message: 'why', name: 'TaskFailure', retryable });
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
