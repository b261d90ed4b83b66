import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CreatedAccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import type { JsonObject } from '../../../src/contract/json-value.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { CreateCall, TaskService } from '../../../src/contract/task-service.ts';
import { type Database, DatabaseUnavailableError } from '../../../src/store/sql/database.ts';
import type { Attempt } from '../../../src/store/idempotency/attempt.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { createLedger } from '../../../src/store/idempotency/ledger.ts';
import { createRetryQueue } from '../../../src/store/idempotency/retry-queue.ts';
import { createSettlements, type SettlementsOptions } from '../../../src/store/idempotency/settlements.ts';
import { createTaskRecords } from '../../../src/store/task-records.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { withClock } from '../../support/clocked-database.ts';
import { DATABASES, type DatabaseKind } from '../../support/databases.ts';
import { SAMPLE_TASK, migratedDatabase } from '../../support/sample-account.ts';

const CALL: CreateCall = {
  caller: { kind: 'forwarded', authorization: 'Bearer a' },
  requestId: 'test',
  idempotencyKey: 'k-1',
};

const WHILE = { timeout: 20_000, interval: 5 };

/** A database that can be away, and counts the settlements that are tried. */
async function awayDatabase(kind: DatabaseKind) {
  const database = await migratedDatabase(kind);
  const state = { isAway: false, transactions: 0, settlements: 0 };
  const decorated: Database = {
    ...database,
    transaction(work) {
      state.transactions += 1;
      if (state.isAway) return Promise.reject(new DatabaseUnavailableError('it is away', { cause: null }));
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

function newAttempt(): Attempt {
  return { owner: { scopes: ['s'], credential: null }, key: randomUUID(), fingerprint: 'f', id: randomUUID() };
}

/** A gateway whose database goes away while the first create is under way, which ends with `first`. */
async function interrupted(kind: DatabaseKind, first: () => Promise<CreatedAccountTask>) {
  const { database, state } = await awayDatabase(kind);
  const seen = { sent: 0, unsettled: 0 };
  const clock = { nowMs: Date.UTC(2026, 1, 22) };
  const inner: TaskService = {
    create() {
      seen.sent += 1;
      state.isAway = seen.sent === 1;
      return seen.sent === 1 ? first() : createdTask();
    },
    find: async () => [],
    list: async () => ({ tasks: [], hasNextPage: false }),
    checks: {},
    close: async () => {},
  };
  const ledger = createLedger({
    database: withClock(database, clock),
    leaseMs: 60_000,
    expiryMs: 86_400_000,
    maxPending: 1000,
    onUnsettled: () => void (seen.unsettled += 1),
  });
  const tasks = idempotentTaskService(inner, { ledger, waitMs: 0 });
  onTestFinished(() => tasks.close());
  const comeBack = (): void => {
    state.isAway = false;
    // The lease of what is not settled is over.
    clock.nowMs += 60_000;
  };
  return { tasks, seen, state, comeBack, database };
}

describe.each(DATABASES)('on %s, when the database was away at the end of a create', (kind) => {
  test('the same key gives the created task again once it is back, and sends nothing', async () => {
    const { tasks, seen, comeBack } = await interrupted(kind, () => createdTask());
    expect((await tasks.create(SAMPLE_TASK, CALL)).replayed).toBe(false);
    expect(seen.unsettled).toBe(1);
    await expect(tasks.create(SAMPLE_TASK, CALL)).rejects.toMatchObject({ outcome: 'NOT_SENT' });
    comeBack();
    expect((await tasks.create(SAMPLE_TASK, CALL)).replayed).toBe(true);
    expect(seen).toEqual({ sent: 1, unsettled: 1 });
  });

  test('the key of a create that was not sent is free again once it is back', async () => {
    const { tasks, seen, comeBack } = await interrupted(kind, () =>
      Promise.reject(new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'No.')),
    );
    await expect(tasks.create(SAMPLE_TASK, CALL)).rejects.toMatchObject({ message: 'No.' });
    comeBack();
    expect((await tasks.create(SAMPLE_TASK, CALL)).replayed).toBe(false);
    expect(seen).toEqual({ sent: 2, unsettled: 1 });
  });

  test('what is owed is written when the gateway stops', async () => {
    const { tasks, comeBack, database } = await interrupted(kind, () => createdTask());
    await tasks.create(SAMPLE_TASK, CALL);
    comeBack();
    await tasks.close();
    expect(await database.read('SELECT state FROM idempotency_keys')).toEqual([{ state: 'CREATED' }]);
  });
});

describe('what is owed to the database', () => {
  /** Unless it is said otherwise, nothing is tried again while a test lasts. */
  async function queuedSettlements(count: number, { retryMs = 3_600_000, ...bound }: Partial<SettlementsOptions> = {}) {
    const { database, state } = await awayDatabase('SQLite');
    const unsettled: unknown[] = [];
    const settlements = createSettlements({
      database,
      maxPending: 1000,
      onUnsettled: (error) => unsettled.push(error),
      retryMs,
      ...bound,
    });
    onTestFinished(() => settlements.close());
    for (let index = 0; index < count; index += 1) settlements.enqueue(newAttempt(), { kind: 'released' });
    return { settlements, state, unsettled };
  }

  test('is written once, however many wait for it', async () => {
    const { settlements, state } = await queuedSettlements(300);
    await Promise.all(Array.from({ length: 50 }, () => settlements.flush()));
    expect(state.settlements).toBe(300);
    await settlements.flush();
    expect(state.settlements).toBe(300);
  });

  test('asks a database that is still away once, and stays owed', async () => {
    const { settlements, state } = await queuedSettlements(300);
    state.isAway = true;
    const before = state.transactions;
    await Promise.all([settlements.flush(), settlements.flush()]);
    expect(state.transactions - before).toBe(1);
    state.isAway = false;
    await settlements.flush();
    expect(state.settlements).toBe(300);
  });

  test('is written once the database is back, though nobody claims a key here again', async () => {
    const { settlements, state, unsettled } = await queuedSettlements(0, { retryMs: 5 });
    state.isAway = true;
    await settlements.settle(newAttempt(), { kind: 'released' });
    await expect.poll(() => state.transactions, WHILE).toBeGreaterThan(5);
    state.isAway = false;
    await expect.poll(() => state.settlements, WHILE).toBe(1);
    expect(unsettled).toHaveLength(1);
  });

  test('has a bound of its size too', async () => {
    const { database, state } = await awayDatabase('SQLite');
    const dropped: string[] = [];
    const queue = createRetryQueue<string>({
      database,
      maxPending: 1000,
      maxQueuedBytes: 10,
      sizeOf: ({ length }) => length,
      write: async () => {},
      onDropped: (_, item) => dropped.push(item),
      retryMs: 3_600_000,
    });
    onTestFinished(() => queue.close());
    state.isAway = true;
    for (const item of ['aaaa', 'bbbb', 'cc', 'ddd', 'eeeeeeeeeeee']) {
      await expect(queue.write(item)).rejects.toMatchObject({ outcome: 'NOT_SENT' });
    }
    expect(dropped).toEqual(['aaaa', 'bbbb', 'cc', 'ddd']);
  });

  test('counts all bytes of what was created, whichever field they are in', async () => {
    const { settlements, unsettled } = await queuedSettlements(0, { maxQueuedBytes: 6_000_000 });
    for (const [name, length] of [
      ['Name', 3_000_000],
      ['LastModifiedBy', 2_000_000],
    ] as const) {
      const created = await createdTask({ ...SAMPLE_DETAIL, [name]: 'x'.repeat(length) });
      settlements.enqueue(newAttempt(), { kind: 'created', created });
    }
    expect(unsettled).toHaveLength(0);
    // Two bytes each in UTF-8.
    const created = await createdTask({ ...SAMPLE_DETAIL, Name: 'ü'.repeat(1_000_000) });
    settlements.enqueue(newAttempt(), { kind: 'created', created });
    expect(unsettled).toHaveLength(1);
  });

  test('counts all bytes of a record', async () => {
    const { database, state } = await awayDatabase('SQLite');
    const dropped: unknown[] = [];
    const records = createTaskRecords({
      database,
      maxPending: 1000,
      maxQueuedBytes: 1_500_000,
      onDropped: (error) => dropped.push(error),
      retryMs: 3_600_000,
    });
    onTestFinished(() => records.close());
    state.isAway = true;
    for (let record = 0; record < 2; record += 1) {
      const { accountTask } = await createdTask({ ...SAMPLE_DETAIL, Name: 'x'.repeat(1_000_000) });
      await expect(records.add({ scopes: ['s'], credential: null }, accountTask)).rejects.toMatchObject({
        outcome: 'NOT_SENT',
      });
    }
    expect(dropped).toHaveLength(1);
  });

  test('has a bound: the oldest is given up, and said so', async () => {
    const { settlements, state, unsettled } = await queuedSettlements(5, { maxQueued: 3 });
    expect(unsettled).toHaveLength(2);
    expect(unsettled[0]).toMatchObject({ message: expect.stringContaining('its oldest write was dropped') as string });
    await settlements.flush();
    expect(state.settlements).toBe(3);
  });
});
