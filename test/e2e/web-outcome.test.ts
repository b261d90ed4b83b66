import { expect, test } from 'vitest';
import { type SubmitResult, toFailure } from '../../src/client/account-task-client.ts';
import { toOutcomeText } from './web/src/outcome-text.ts';

function failed(kind: 'not-created' | 'unknown', outcome: string, code: string, retryable = false): SubmitResult {
  const failure = toFailure({ message: 'Reason.', code, outcome, retryable });
  if (!failure) throw new Error('This is no failure.');
  const result = { kind, failure, askAgain: () => Promise.reject(new Error('It is not asked.')) };
  return result;
}

test.each<[name: string, result: SubmitResult, isAgain: boolean, title: string, text: string]>([
  [
    'a refusal',
    failed('not-created', 'REJECTED', 'TASK_REJECTED'),
    false,
    'The task was refused, and not created',
    'Reason.',
  ],
  [
    'a refusal that passes',
    failed('not-created', 'REJECTED', 'OVERLOADED', true),
    false,
    'The task was refused, and not created',
    'Reason. Try again in a moment.',
  ],
  [
    'bad input',
    failed('not-created', 'NOT_SENT', 'BAD_USER_INPUT'),
    false,
    'Nothing was sent, and nothing was created',
    'Reason.',
  ],
  [
    'an absent service',
    failed('not-created', 'NOT_SENT', 'UPSTREAM_UNREACHABLE', true),
    false,
    'Nothing was sent, and nothing was created',
    'You can safely try again.',
  ],
  [
    'a lost connection',
    failed('unknown', 'UNKNOWN', 'UPSTREAM_TIMEOUT'),
    false,
    'It is not known whether the task was created',
    'You can safely ask again',
  ],
  [
    'the same once more',
    failed('unknown', 'UNKNOWN', 'UPSTREAM_TIMEOUT'),
    true,
    'Whether the task was created is still not known',
    'Have somebody look',
  ],
  [
    'an expired token, after silence',
    failed('unknown', 'NOT_SENT', 'UNAUTHENTICATED'),
    true,
    'Whether the task was created is still not known',
    'says nothing of the try before',
  ],
  [
    'a try while another runs',
    failed('unknown', 'NOT_SENT', 'IDEMPOTENCY_IN_PROGRESS', true),
    true,
    'An earlier try is still under way',
    'Ask again in a moment',
  ],
])('the page tells a person of %s', (_, result, isAgain, title, text) => {
  expect(toOutcomeText(result, isAgain)).toMatchObject({ title, text: expect.stringContaining(text) as string });
});
