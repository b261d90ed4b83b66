import { describe, expect, onTestFinished, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import type { JsonObject } from '../../../src/contract/json-value.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { WriteCall } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { createSettlements, type SettlementsOptions, toSettled } from '../../../src/store/idempotency/settlements.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES, type DatabaseKind } from '../../support/databases.ts';
import { REPORT_TASK, migratedDatabase } from '../../support/sample-account.ts';
import { newAttempt } from './new-attempt.ts';
import { partialTaskService } from '../../support/partial-task-service.ts';

const CALL: WriteCall = {
  caller: { kind: 'forwarded', authorization: 'Bearer a' },
  requestId: 'test',
  idempotencyKey: 'k-1',
};

const REFUSED = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');
const WHILE = { timeout: 20_000, interval: 5 };

/** Opens a database whose transactions can be made to fail. It counts the settlements that are written. */
async function failingDatabase(kind: DatabaseKind) {
  const database = await migratedDatabase(kind);
  const state = { isDown: false, transactions: 0, settlements: 0 };
  const decorated: Database = {
    ...database,
    transaction(work) {
      state.transactions += 1;
      if (state.isDown) return Promise.reject(new DatabaseUnavailableError('it is down', { cause: null }));
      return database.transaction((transaction) =>
        work({
          ...transaction,
          write(sql, parameters) {
            if (sql.includes('attempt_id = ?3')) state.settlements += 1;
            return transaction.write(sql, parameters);
          },
        }),
      );
    },
  };
  return { database: decorated, state };
}

async function createdTask(detail: JsonObject = SAMPLE_DETAIL): Promise<CreatedAccountTask> {
  const accountTask = readAccountTask(detail, 'Detail');
  if ('at' in accountTask) throw new Error(accountTask.at);
  return { accountTask, Identification: { UserId: 'u' }, Result: 'ok', replayed: false };
}

/** Opens a gateway whose database fails during the first create, which ends with `first`. */
async function interrupted(kind: DatabaseKind, first: () => Promise<CreatedAccountTask>) {
  const { database, state } = await failingDatabase(kind);
  const seen = { sent: 0, unsettled: 0 };
  const clock = { nowMs: Date.UTC(2026, 1, 22) };
  const inner = partialTaskService({
    create() {
      seen.sent += 1;
      state.isDown = seen.sent === 1;
      return seen.sent === 1 ? first() : createdTask();
    },
  });
  const tasks = idempotentTaskService(inner, {
    database: withClock(database, clock),
    leaseMs: 60_000,
    keyExpiryMs: 86_400_000,
    keyWaitMs: 0,
    maxPending: 1000,
    onUnwritten: (what) => void (seen.unsettled += what === 'settlement' ? 1 : 0),
    onLateAnswer: () => {},
  });
  onTestFinished(() => tasks.close());
  const recover = (): void => {
    state.isDown = false;
    // Leases of unsettled attempts have expired.
    clock.nowMs += 60_000;
  };
  return { tasks, seen, state, recover, database };
}

describe.each(DATABASES)('on %s, when the database failed at the end of a create', (kind) => {
  test('a key whose settlement failed replays the task once the database is available again, and sends nothing', async () => {
    const { tasks, seen, recover } = await interrupted(kind, () => createdTask());
    expect((await tasks.create(REPORT_TASK, CALL)).replayed).toBe(false);
    expect(seen.unsettled).toBe(1);
    await expect(tasks.create(REPORT_TASK, CALL)).rejects.toMatchObject({ outcome: 'NOT_SENT' });
    recover();
    expect((await tasks.create(REPORT_TASK, CALL)).replayed).toBe(true);
    expect(seen).toEqual({ sent: 1, unsettled: 1 });
  });

  test('the key of a create that was not sent is free once the database is available again', async () => {
    const { tasks, seen, recover } = await interrupted(kind, () =>
      Promise.reject(new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'No.')),
    );
    await expect(tasks.create(REPORT_TASK, CALL)).rejects.toMatchObject({ message: 'No.' });
    recover();
    expect((await tasks.create(REPORT_TASK, CALL)).replayed).toBe(false);
    expect(seen).toEqual({ sent: 2, unsettled: 1 });
  });

  test('queued settlements are written when the gateway stops', async () => {
    const { tasks, recover, database } = await interrupted(kind, () => createdTask());
    await tasks.create(REPORT_TASK, CALL);
    recover();
    await tasks.close();
    expect(await database.read('SELECT state FROM idempotency_keys')).toEqual([{ state: 'CREATED' }]);
  });
});

describe('the queue of settlements', () => {
  /** Creates a queue with this many settlements. By default it does not retry during the test. */
  async function queuedSettlements(count: number, { retryMs = 3_600_000, ...bound }: Partial<SettlementsOptions> = {}) {
    const { database, state } = await failingDatabase('SQLite');
    const unwritten: unknown[] = [];
    const settlements = createSettlements({
      database,
      maxPending: 1000,
      onUnwritten: (error) => unwritten.push(error),
      onLateAnswer: () => {},
      retryMs,
      ...bound,
    });
    onTestFinished(() => settlements.close());
    for (let index = 0; index < count; index += 1) settlements.enqueue(toSettled(newAttempt(), REFUSED));
    return { settlements, state, unwritten };
  }

  test('concurrent flushes write each queued settlement once', async () => {
    const { settlements, state } = await queuedSettlements(300);
    await Promise.all(Array.from({ length: 50 }, () => settlements.flush()));
    expect(state.settlements).toBe(300);
    await settlements.flush();
    expect(state.settlements).toBe(300);
  });

  test('flushes share one try while the database is down, and the settlements stay queued', async () => {
    const { settlements, state } = await queuedSettlements(300);
    state.isDown = true;
    const before = state.transactions;
    await Promise.all([settlements.flush(), settlements.flush()]);
    expect(state.transactions - before).toBe(1);
    state.isDown = false;
    await settlements.flush();
    expect(state.settlements).toBe(300);
  });

  test('queued settlements are written once the database is available again, without another claim', async () => {
    const { settlements, state, unwritten } = await queuedSettlements(0, { retryMs: 5 });
    state.isDown = true;
    await settlements.write(toSettled(newAttempt(), REFUSED));
    expect(unwritten).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
    await expect.poll(() => state.transactions, WHILE).toBeGreaterThan(5);
    state.isDown = false;
    await expect.poll(() => state.settlements, WHILE).toBe(1);
  });

  test('the size of a queued settlement includes every field of the created task', async () => {
    const { settlements, unwritten } = await queuedSettlements(0, { maxQueuedBytes: 12_000_000 });
    for (const [name, length] of [
      ['Name', 3_000_000],
      ['LastModifiedBy', 2_000_000],
    ] as const) {
      const result = await createdTask({ ...SAMPLE_DETAIL, [name]: 'x'.repeat(length) });
      settlements.enqueue(toSettled(newAttempt(), result));
    }
    expect(unwritten).toHaveLength(0);
    // Two bytes each in UTF-8.
    const result = await createdTask({ ...SAMPLE_DETAIL, Name: 'ü'.repeat(1_000_000) });
    settlements.enqueue(toSettled(newAttempt(), result));
    expect(unwritten).toHaveLength(1);
  });

  test('a full queue drops its oldest settlements and reports them', async () => {
    const { settlements, state, unwritten } = await queuedSettlements(5, { maxQueued: 3 });
    expect(unwritten).toHaveLength(2);
    expect(unwritten[0]).toMatchObject({ message: expect.stringContaining('its oldest write was dropped') as string });
    await settlements.flush();
    expect(state.settlements).toBe(3);
  });
});
