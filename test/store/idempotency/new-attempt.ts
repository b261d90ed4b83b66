import { randomUUID } from 'node:crypto';
import { CREATE, type KeyedAttempt } from '../../../src/store/idempotency/attempt.ts';
import { REPORT_TASK } from '../../support/sample-account.ts';

/** Creates an attempt with its own ID; the scope is `s` and the key `k` unless others are given. */
export function newAttempt(given: Partial<KeyedAttempt> = {}): KeyedAttempt {
  return {
    owner: { scope: 's', credential: null },
    key: 'k',
    fingerprint: 'f',
    id: randomUUID(),
    requestId: 'test',
    operation: CREATE.operation,
    facts: CREATE.toFacts(REPORT_TASK),
    startedAtMs: 0,
    ...given,
  };
}
