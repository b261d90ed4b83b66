import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { CREATE, RUN, toKeyedAttempt } from '../../../src/store/idempotency/attempt.ts';
import { callOf, REPORT_TASK } from '../../support/sample-account.ts';

const call = { ...callOf('an account'), idempotencyKey: 'a key' };

test('a key of an earlier version still belongs to its input: fingerprints stay the same', () => {
  const create =
    '["86cb791c-8078-41ae-a045-5dded04c9589","DAILY","2026-02-22T04:10:00.9543747+00:00",null,"{\\"a\\":1}","application/json",null]';
  expect(toKeyedAttempt(CREATE, REPORT_TASK, call)?.fingerprint).toBe(hash('sha256', create, 'base64url'));
  const run = '["RUN_ACCOUNT_TASK","86cb791c-8078-41ae-a045-5dded04c9589"]';
  expect(toKeyedAttempt(RUN, { id: REPORT_TASK.TaskID }, call)?.fingerprint).toBe(hash('sha256', run, 'base64url'));
});
