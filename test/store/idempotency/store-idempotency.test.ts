import { describe, expect, test } from 'vitest';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { WriteCall } from '../../../src/contract/task-service.ts';
import type { SqlReader, SqlTransaction } from '../../../src/store/sql/database.ts';
import { replayOrDecide } from '../../../src/store/idempotency/store-idempotency.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { withClock } from '../../support/clocked-database.ts';
import { callOf, REPORT_TASK, sampleCall, sampleStore } from '../../support/sample-account.ts';
import { DATABASES } from '../../support/databases.ts';
import { newAttempt } from './new-attempt.ts';

const LONG_RESULT = {
  scope: 's',
  idempotencyKey: 'k',
  fingerprint: 'f',
  state: 'CREATED',
  attemptId: 'attempt-1',
  leaseUntil: '2026-11-28T12:00:00.000Z',
  expiresAt: '9999-12-31T00:00:00.000Z',
  outcome: null,
};

async function countTasks(store: Store, call: WriteCall): Promise<number> {
  return (await store.tasks.list({ first: 100, after: null }, call)).tasks.length;
}

function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'created',
    (error: unknown) => (error instanceof TaskFailure ? `${error.code} ${error.outcome}` : error),
  );
}

describe.each(DATABASES)('on %s', (kind) => {
  describe('an idempotency key in the store', () => {
    test('a second create with a key replays the first result and stores one task', async () => {
      const { store, database } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const first = await store.tasks.create(REPORT_TASK, call);
      const second = await store.tasks.create(REPORT_TASK, call);
      expect(first.replayed).toBe(false);
      expect(second).toEqual({ ...first, replayed: true });
      expect(await countTasks(store, call)).toBe(1);
    });

    test('a key replays its result after the database is opened again', async () => {
      const { store, database, databaseUrl } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const first = await store.tasks.create(REPORT_TASK, call);
      await store.close();
      const again = await openStore({ databaseUrl });
      const second = await again.tasks.create(REPORT_TASK, call);
      await again.close();
      expect(second).toEqual({ ...first, replayed: true });
    });

    test('fifty simultaneous creates with one key store one task, in one commit or in many', async () => {
      const { store, database } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const atOnce = await Promise.all(Array.from({ length: 50 }, () => store.tasks.create(REPORT_TASK, call)));
      const later = await store.tasks.create(REPORT_TASK, call);
      expect(new Set([...atOnce, later].map(({ accountTask }) => accountTask.ID)).size).toBe(1);
      expect(atOnce.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(await countTasks(store, call)).toBe(1);
    });

    test('simultaneous creates with one key in two processes store one task', async () => {
      const { store, database, databaseUrl } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const other = await openStore({ databaseUrl });
      const results = await Promise.all(
        [store, other, store, other].map(({ tasks }) => tasks.create(REPORT_TASK, call)),
      );
      await other.close();
      expect(new Set(results.map(({ accountTask }) => accountTask.ID)).size).toBe(1);
      expect(await countTasks(store, call)).toBe(1);
    });

    test.each([
      ['TaskID', 'ffffffff-ffff-4fff-8fff-ffffffffffff'],
      ['Frequency', 'WEEKLY'],
      ['StartDate', '2026-02-22T04:10:00.9543748+00:00'],
      ['FinishDate', '2027-02-22T04:10:00+00:00'],
      ['Parameters', '{"a":2}'],
      ['ContentType', 'application/xml'],
      ['Notification', 'NONE'],
    ])('a key with another %s is a conflict, and nothing is stored', async (field, value) => {
      const { store, database } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      await store.tasks.create(REPORT_TASK, call);
      const other = { ...REPORT_TASK, [field]: value };
      expect(await codeOf(store.tasks.create(other, call))).toBe('IDEMPOTENCY_CONFLICT NOT_SENT');
      expect(await countTasks(store, call)).toBe(1);
    });

    test('one key with two inputs at the same time stores one task and refuses the other', async () => {
      const { store, database } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const inputs = [REPORT_TASK, { ...REPORT_TASK, Parameters: '{"a":2}' }];
      const codes = await Promise.all(inputs.map((task) => codeOf(store.tasks.create(task, call))));
      expect(codes).toEqual(['created', 'IDEMPOTENCY_CONFLICT NOT_SENT']);
      expect(await countTasks(store, call)).toBe(1);
    });

    test('the key of a refused create can be used again', async () => {
      const { store, database } = await sampleStore(kind);
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const unknown = { ...REPORT_TASK, TaskID: 'ffffffff-ffff-4fff-8fff-ffffffffffff' };
      expect(await codeOf(store.tasks.create(unknown, call))).toBe('TASK_NOT_FOUND REJECTED');
      await store.catalogue.add({ id: unknown.TaskID, name: 'Added later' });
      expect(await codeOf(store.tasks.create(unknown, call))).toBe('created');
    });

    test('the same key of another client or account is a different key', async () => {
      const { store, database } = await sampleStore(kind);
      const one = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const two = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const first = await store.tasks.create(REPORT_TASK, one);
      const second = await store.tasks.create(REPORT_TASK, two);
      expect(second.replayed).toBe(false);
      expect(second.accountTask.ID).not.toBe(first.accountTask.ID);
      const ofTheAccount = callOf((one.caller as { accountId: string }).accountId);
      const third = await store.tasks.create(REPORT_TASK, { ...ofTheAccount, idempotencyKey: 'k-1' });
      expect(third.replayed).toBe(false);
    });

    test('an expired key can be used for a new create', async () => {
      const clock = { nowMs: Date.UTC(2026, 1, 22) };
      const { store, database } = await sampleStore(kind, { keyExpiryMs: 1000 }, (own) => withClock(own, clock));
      const call = { ...(await sampleCall(database)), idempotencyKey: 'k-1' };
      const first = await store.tasks.create(REPORT_TASK, call);
      clock.nowMs += 999;
      expect((await store.tasks.create(REPORT_TASK, call)).replayed).toBe(true);
      clock.nowMs += 1;
      const later = await store.tasks.create({ ...REPORT_TASK, Parameters: '[]' }, call);
      expect(later.replayed).toBe(false);
      expect(later.accountTask.ID).not.toBe(first.accountTask.ID);
      expect(await database.read('SELECT attempt_id FROM idempotency_keys')).toHaveLength(1);
    });

    test('keys and texts stay apart in a batch of many creates', async () => {
      const { store, database } = await sampleStore(kind);
      const call = await sampleCall(database);
      const keys = Array.from({ length: 300 }, (_, index) => `k-${index % 100}`);
      const results = await Promise.all(
        keys.map((idempotencyKey) =>
          store.tasks.create(
            { ...REPORT_TASK, Parameters: `"${idempotencyKey}\\r\\n😀"` },
            { ...call, idempotencyKey },
          ),
        ),
      );
      expect(new Set(results.map(({ accountTask }) => accountTask.ID)).size).toBe(100);
      for (const [index, { accountTask }] of results.entries()) {
        expect(accountTask.fields.Parameters).toBe(`"${keys[index]}\\r\\n😀"`);
      }
    });
  });
});

function decide(): never {
  throw new Error('The key is known, so nothing may be decided again.');
}

test('a replay whose long result is purged before it is read fails as in progress', async () => {
  const read = (async (sql: string) => {
    if (sql.includes('now_ms()')) return [{ nowMs: 0 }];
    return sql.startsWith('SELECT state, outcome') ? [] : [LONG_RESULT];
  }) as unknown as SqlReader['read'];
  const transaction: SqlTransaction = {
    read,
    write: async () => 0,
    insert: async () => undefined,
    exclusive: async () => undefined,
  };
  const [decision] = await replayOrDecide(transaction, [{ attempt: newAttempt() }], decide, 1_000);
  expect(decision).toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT', retryable: true });
});
