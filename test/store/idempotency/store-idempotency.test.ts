import { expect, test } from 'vitest';
import type { SqlReader, SqlTransaction } from '../../../src/store/sql/database.ts';
import type { Attempt } from '../../../src/store/idempotency/attempt.ts';
import { replayOrDecide } from '../../../src/store/idempotency/store-idempotency.ts';

const ATTEMPT: Attempt = {
  owner: { scopes: ['account'], credential: null },
  key: 'key-1',
  fingerprint: 'fingerprint',
  id: 'attempt-2',
};
const LONG_RESULT = {
  scope: 'account',
  key: 'key-1',
  fingerprint: 'fingerprint',
  state: 'CREATED',
  attemptId: 'attempt-1',
  leaseUntil: '2026-11-28T12:00:00.000Z',
  expiresAt: '9999-12-31T00:00:00.000Z',
  outcome: null,
};

function decide(): never {
  throw new Error('The key is known, so nothing may be decided again.');
}

test('a replay whose long result is purged before it is read fails as in progress', async () => {
  const read = (async (sql: string) => {
    if (sql.includes('now_ms()')) return [{ nowMs: 0 }];
    return sql.startsWith('SELECT outcome') ? [] : [LONG_RESULT];
  }) as unknown as SqlReader['read'];
  const transaction: SqlTransaction = {
    read,
    write: async () => 0,
    insert: async () => undefined,
    exclusive: async () => undefined,
  };
  const [decision] = await replayOrDecide(transaction, [{ attempt: ATTEMPT }], decide, 1_000);
  expect(decision).toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT', retryable: true });
});
