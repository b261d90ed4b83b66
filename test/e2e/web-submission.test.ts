import { describe, expect, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import type { CreateOutcome } from './web/src/create-account-task.ts';
import { type CreateFailure, NO_ANSWER, toCreateFailure } from './web/src/create-failure.ts';
import { toOutcomeText } from './web/src/outcome-text.ts';
import { afterTry, keepSubmission, newSubmission, type Submission } from './web/src/submission.ts';

const FIRST = newSubmission(SAMPLE_INPUT);
const UNSURE: Submission = { ...FIRST, failure: NO_ANSWER, mayExist: true };

function failed(outcome: CreateFailure['outcome'], code: string, retryable = false): CreateOutcome {
  return { kind: 'failed', failure: { message: 'Reason.', code, outcome, retryable } };
}

const LOST = failed('UNKNOWN', 'UPSTREAM_CONNECTION_LOST');

describe('a submission', () => {
  test.each<[string, Submission, CreateOutcome, 'again' | 'nothing', string]>([
    ['a refusal', FIRST, failed('REJECTED', 'TASK_REJECTED'), 'nothing', 'The task was refused, and not created'],
    [
      'a refusal that passes',
      FIRST,
      failed('REJECTED', 'OVERLOADED', true),
      'again',
      'The task was refused, and not created',
    ],
    ['bad input', FIRST, failed('NOT_SENT', 'BAD_USER_INPUT'), 'nothing', 'Nothing was sent, and nothing was created'],
    [
      'an absent service',
      FIRST,
      failed('NOT_SENT', 'UPSTREAM_UNREACHABLE', true),
      'again',
      'Nothing was sent, and nothing was created',
    ],
    ['a lost connection', FIRST, LOST, 'again', 'It is not known whether the task was created'],
    [
      'the same once more',
      { ...UNSURE, failure: (LOST as { failure: CreateFailure }).failure },
      LOST,
      'again',
      'Whether the task was created is still not known',
    ],
    [
      'silence twice',
      UNSURE,
      { kind: 'failed', failure: NO_ANSWER },
      'again',
      'It is not known whether the task was created',
    ],
    [
      'an expired token, after silence',
      UNSURE,
      failed('NOT_SENT', 'UNAUTHENTICATED'),
      'again',
      'Whether the task was created is still not known',
    ],
    [
      'a try while another runs',
      UNSURE,
      failed('NOT_SENT', 'IDEMPOTENCY_IN_PROGRESS', true),
      'again',
      'An earlier try is still under way',
    ],
    [
      'a refusal, after silence',
      UNSURE,
      failed('REJECTED', 'TASK_REJECTED'),
      'nothing',
      'The task was refused, and not created',
    ],
  ])('keeps or drops the submission and tells the user after %s', (_name, before, outcome, next, title) => {
    const left = afterTry(before, outcome);
    expect(left ? 'again' : 'nothing').toBe(next);
    const { idempotencyKey, input } = left ?? before;
    expect([idempotencyKey, input]).toEqual([before.idempotencyKey, before.input]);
    expect(toOutcomeText(outcome, before).title).toBe(title);
  });

  test('treats an answer that no gateway wrote as an unknown outcome', () => {
    expect(toCreateFailure({ message: 'Bad Gateway' })).toMatchObject({ outcome: 'UNKNOWN', retryable: false });
    expect(toCreateFailure({ message: '', extensions: { outcome: 'FINE' } })).toMatchObject({ outcome: 'UNKNOWN' });
  });
});

test('a submission survives a reload from before it is sent until it is settled', () => {
  const texts = new Map<string, string>();
  const kept = keepSubmission({
    getItem: (name) => texts.get(name) ?? null,
    setItem: (name, text) => void texts.set(name, text),
    removeItem: (name) => void texts.delete(name),
  });
  expect(kept.read()).toBeNull();
  kept.sending(FIRST);
  expect(kept.read()).toEqual(UNSURE);
  kept.write(afterTry(FIRST, failed('NOT_SENT', 'UPSTREAM_UNREACHABLE', true)));
  expect(kept.read()).toMatchObject({ idempotencyKey: FIRST.idempotencyKey, mayExist: false });
  kept.write(null);
  expect(kept.read()).toBeNull();
});

test('every new submission has a new key', () => {
  expect(newSubmission(SAMPLE_INPUT).idempotencyKey).not.toBe(FIRST.idempotencyKey);
});
