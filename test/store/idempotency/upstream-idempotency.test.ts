import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CreatedAccountTask, RunOrder, StartedRun } from '../../../src/contract/account-task.ts';
import { TaskFailure } from '../../../src/contract/failure.ts';
import type { WriteCall, TaskService } from '../../../src/contract/task-service.ts';
import type { Database, SqlParameter, SqlReader } from '../../../src/store/sql/database.ts';
import { idempotentTaskService } from '../../../src/store/idempotency/upstream-idempotency.ts';
import { type TestClock, withClock } from '../../support/clocked-database.ts';
import { REPORT_TASK, migratedDatabase } from '../../support/sample-account.ts';
import { DATABASES, type DatabaseKind } from '../../support/databases.ts';
import { startRestService } from '../../support/rest-service.ts';
import { openTaskService } from '../../support/upstream-service.ts';
import { createdTask, resultOf, scriptedUpstream } from '../scripted-upstream.ts';

const CALL: WriteCall = {
  caller: { kind: 'forwarded', authorization: 'Bearer a' },
  requestId: 'test',
  idempotencyKey: 'k-1',
};
const LEASE_MS = 60_000;
const EXPIRY_MS = 86_400_000;

function failing(...[kind, message, evidence]: ConstructorParameters<typeof TaskFailure>) {
  return () => Promise.reject(new TaskFailure(kind, message, evidence));
}

interface Setting {
  readonly waitMs?: number;
  readonly maxWaiting?: number;
  readonly leaseMs?: number;
  readonly clock?: TestClock;
}

async function keyedOver(
  kind: DatabaseKind,
  tasks: TaskService,
  { waitMs = 0, maxWaiting = 1000, leaseMs = LEASE_MS, clock }: Setting = {},
  shared?: Database,
) {
  const database = shared ?? (await migratedDatabase(kind));
  const unsettled: unknown[] = [];
  const keyed = idempotentTaskService(tasks, {
    database: clock ? withClock(database, clock) : database,
    leaseMs,
    keyExpiryMs: EXPIRY_MS,
    keyWaitMs: waitMs,
    maxPending: 1000,
    maxWaiting,
    onUnwritten: (what, error) => what === 'settlement' && unsettled.push(error),
    onLateAnswer: () => {},
  });
  onTestFinished(() => keyed.close());
  return { database, unsettled, tasks: keyed };
}

test('a create waits no longer than waitMs for another attempt with its key, however slow the database is', async () => {
  const WAIT_MS = 100;
  const CLAIM_MS = 40;
  let claims = 0;
  const fast = await migratedDatabase('SQLite');
  const slow: Database = {
    ...fast,
    async transaction(work) {
      claims += 1;
      await delay(CLAIM_MS);
      return fast.transaction(work);
    },
  };
  const held = Promise.withResolvers<CreatedAccountTask>();
  const { tasks: inner, sent } = scriptedUpstream(() => held.promise);
  const { tasks } = await keyedOver('SQLite', inner, { waitMs: WAIT_MS }, slow);
  const first = tasks.create(REPORT_TASK, CALL);
  await expect.poll(() => sent.length).toBe(1);
  claims = 0;
  expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('IDEMPOTENCY_IN_PROGRESS NOT_SENT');
  expect((claims - 1) * CLAIM_MS).toBeLessThanOrEqual(WAIT_MS);
  held.resolve(createdTask());
  await first;
});

describe.each(DATABASES)('on %s', (kind) => {
  describe('idempotency keys of an upstream', () => {
    test('a write that has waited for longer than its lease is not sent, since an operator may have settled it', async () => {
      const service = await startRestService();
      onTestFinished(() => service.close());
      const token = Promise.withResolvers<string>();
      const upstream = openTaskService(service.url, { authorize: () => token.promise });
      const { tasks } = await keyedOver(kind, upstream, { leaseMs: 1 });
      const late = resultOf(tasks.create(REPORT_TASK, CALL));
      await expect.poll(() => tasks.findOutcome('k-1', CALL)).toMatchObject({ state: 'UNKNOWN' });
      token.resolve('Bearer late');
      expect(await late).toBe('OVERLOADED NOT_SENT');
      expect(service.requests).toEqual([]);
      expect(await tasks.findOutcome('k-1', CALL)).toBeNull();
    });

    test('a key is sent once and replays the first result, including the digits of unknown numbers', async () => {
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks } = await keyedOver(kind, inner);
      const first = await tasks.create(REPORT_TASK, CALL);
      const second = await tasks.create(REPORT_TASK, CALL);
      expect(JSON.stringify(second)).toBe(JSON.stringify({ ...first, replayed: true }));
      expect(JSON.stringify(second)).toContain('12345678901234567890.10');
      expect(sent).toHaveLength(1);
    });

    test('long results and failures are read one by one when they are replayed', async () => {
      const long = 'x'.repeat(200_000);
      const answers = Array.from({ length: 8 }, (_, index) => async () => ({
        ...createdTask(),
        Result: `${index} ${long}`,
      }));
      const { tasks: inner, sent } = scriptedUpstream(
        ...answers,
        failing({ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, 'It broke.', { errorReason: long }),
      );
      const database = await migratedDatabase(kind);
      const lengths: number[] = [];
      const measured = <Reader extends SqlReader>(reader: Reader): Reader => ({
        ...reader,
        async read(sql: string, parameters?: readonly SqlParameter[]) {
          const rows = await reader.read(sql, parameters);
          lengths.push(JSON.stringify(rows).length);
          return rows;
        },
      });
      const { tasks } = await keyedOver(
        kind,
        inner,
        {},
        {
          ...measured(database),
          transaction: (work) => database.transaction((transaction) => work(measured(transaction))),
        },
      );
      const createAll = () =>
        Promise.allSettled(
          Array.from({ length: 9 }, (_, index) => tasks.create(REPORT_TASK, { ...CALL, idempotencyKey: `${index}` })),
        );
      const first = await createAll();
      const again = await createAll();
      expect(sent).toHaveLength(9);
      expect(again.slice(0, 8)).toEqual(
        first
          .slice(0, 8)
          .map((result) => ({ ...result, value: { ...(result as { value: object }).value, replayed: true } })),
      );
      expect(again[8]).toMatchObject({ reason: { code: 'UPSTREAM_FAILED', errorReason: long } });
      expect(Math.max(...lengths)).toBeLessThan(300_000);
    });

    test('creates without a key are all sent', async () => {
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks } = await keyedOver(kind, inner);
      await tasks.create(REPORT_TASK, { ...CALL, idempotencyKey: null });
      await tasks.create(REPORT_TASK, { ...CALL, idempotencyKey: null });
      expect(sent).toHaveLength(2);
    });

    test('a key of unknown fate is never sent again and repeats the recorded failure', async () => {
      const evidence = { errorCode: 'E-1', errorReason: 'It broke.' };
      const { tasks: inner, sent } = scriptedUpstream(
        failing({ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, 'It broke.', evidence),
      );
      const { tasks } = await keyedOver(kind, inner);
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('UPSTREAM_FAILED UNKNOWN');
      await expect(tasks.create(REPORT_TASK, CALL)).rejects.toMatchObject({
        code: 'UPSTREAM_FAILED',
        outcome: 'UNKNOWN',
        message: 'It broke.',
        ...evidence,
      });
      expect(sent).toHaveLength(1);
    });

    test('a key whose create failed unexpectedly has an unknown fate', async () => {
      const { tasks: inner, sent } = scriptedUpstream(() => Promise.reject(new Error('a defect')));
      const { tasks } = await keyedOver(kind, inner);
      await expect(tasks.create(REPORT_TASK, CALL)).rejects.toThrow('a defect');
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('UPSTREAM_FAILED UNKNOWN');
      expect(sent).toHaveLength(1);
    });

    test.each([
      { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
      { code: 'OVERLOADED', outcome: 'NOT_SENT' },
      { code: 'TASK_REJECTED', outcome: 'REJECTED' },
      { code: 'UNAUTHENTICATED', outcome: 'REJECTED' },
    ] as const)('a key whose create ended with $code/$outcome can be sent again', async (failure) => {
      const { tasks: inner, sent } = scriptedUpstream(failing(failure, 'No.'));
      const { tasks } = await keyedOver(kind, inner);
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe(`${failure.code} ${failure.outcome}`);
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('created');
      expect(sent).toHaveLength(2);
    });

    test('a key with another input is a conflict, whatever the outcome of the first', async () => {
      const { tasks: inner, sent } = scriptedUpstream(
        failing({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Late.'),
      );
      const { tasks } = await keyedOver(kind, inner);
      await resultOf(tasks.create(REPORT_TASK, CALL));
      const other = { ...REPORT_TASK, Parameters: '[]' };
      expect(await resultOf(tasks.create(other, CALL))).toBe('IDEMPOTENCY_CONFLICT NOT_SENT');
      expect(sent).toHaveLength(1);
    });

    describe('a run', () => {
      const ORDER = { id: '0c9e0a2e-3f4b-4c52-9d0a-5f1c3f1f7a10' };
      const STARTED = { Identification: { UserId: 'u' }, Result: 'started', replayed: false };
      async function runsOver(...answers: readonly (() => Promise<StartedRun>)[]) {
        const { tasks: inner, sent } = scriptedUpstream();
        const runs: RunOrder[] = [];
        const run: TaskService['run'] = async (order) => (runs.push(order), answers[runs.length - 1]?.() ?? STARTED);
        return { runs, sent, ...(await keyedOver(kind, { ...inner, run })) };
      }

      test('a run with a key is sent once and its result is replayed', async () => {
        const { tasks, runs } = await runsOver();
        const concurrent = await Promise.allSettled([tasks.run(ORDER, CALL), tasks.run(ORDER, CALL)]);
        expect(concurrent.some(({ status }) => status === 'fulfilled')).toBe(true);
        expect(await tasks.run(ORDER, CALL)).toEqual({ ...STARTED, replayed: true });
        expect(await tasks.findOutcome('k-1', CALL)).toMatchObject({
          operation: 'RUN_ACCOUNT_TASK',
          state: 'SUCCEEDED',
          accountTask: null,
          requestId: 'test',
        });
        expect(runs).toEqual([ORDER]);
      });

      test('runs without a key are all sent', async () => {
        const { tasks, runs } = await runsOver();
        for (const _ of [1, 2]) expect(await tasks.run(ORDER, { ...CALL, idempotencyKey: null })).toEqual(STARTED);
        expect(runs).toHaveLength(2);
      });

      test('a run of unknown fate is never sent again', async () => {
        const { tasks, runs } = await runsOver(failing({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Late.'));
        for (const _ of [1, 2])
          await expect(tasks.run(ORDER, CALL)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' });
        expect(runs).toHaveLength(1);
      });

      test('the key of a run that was refused is free', async () => {
        const { tasks, runs } = await runsOver(
          failing({ code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED' }, 'No such task.'),
        );
        await expect(tasks.run(ORDER, CALL)).rejects.toMatchObject({ code: 'ACCOUNT_TASK_NOT_FOUND' });
        expect(await tasks.run(ORDER, CALL)).toEqual(STARTED);
        expect(runs).toHaveLength(2);
      });

      test('a key of a run is a conflict for a create and for the run of another task, and the other way round', async () => {
        const { tasks, runs, sent } = await runsOver();
        const other = { ...CALL, idempotencyKey: 'k-2' };
        await tasks.run(ORDER, CALL);
        await tasks.create(REPORT_TASK, other);
        const conflict = { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' };
        await expect(tasks.create(REPORT_TASK, CALL)).rejects.toMatchObject(conflict);
        await expect(tasks.run({ id: REPORT_TASK.TaskID }, CALL)).rejects.toMatchObject(conflict);
        await expect(tasks.run(ORDER, other)).rejects.toMatchObject(conflict);
        expect([runs.length, sent.length]).toEqual([1, 1]);
      });
    });

    test('a second create while the first is running fails as in progress at once, or waits for it', async () => {
      const { promise, resolve } = Promise.withResolvers<CreatedAccountTask>();
      const { tasks: inner, sent } = scriptedUpstream(() => promise);
      const { tasks, database } = await keyedOver(kind, inner);
      const first = tasks.create(REPORT_TASK, CALL);
      while (sent.length === 0) await new Promise((done) => void setImmediate(done));
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('IDEMPOTENCY_IN_PROGRESS NOT_SENT');
      const { tasks: waitingTasks } = await keyedOver(kind, inner, { waitMs: 60_000 }, database);
      const second = waitingTasks.create(REPORT_TASK, CALL);
      resolve(createdTask());
      expect((await first).replayed).toBe(false);
      expect((await second).replayed).toBe(true);
      expect(sent).toHaveLength(1);
    });

    test('no more than maxWaiting creates wait for a running one; further ones fail at once', async () => {
      const { promise, resolve } = Promise.withResolvers<CreatedAccountTask>();
      const { tasks: inner, sent } = scriptedUpstream(() => promise);
      const { tasks } = await keyedOver(kind, inner, { waitMs: 60_000, maxWaiting: 3 });
      const first = tasks.create(REPORT_TASK, CALL);
      while (sent.length === 0) await new Promise((done) => void setImmediate(done));
      const others = Array.from({ length: 10 }, () => resultOf(tasks.create(REPORT_TASK, CALL)));
      const enough = Promise.withResolvers<void>();
      let answered = 0;
      for (const other of others) void other.then(() => (answered += 1) === 7 && enough.resolve());
      await enough.promise;
      resolve(createdTask());
      expect((await first).replayed).toBe(false);
      const verdicts = Map.groupBy(await Promise.all(others), (verdict) => verdict);
      expect(verdicts.get('IDEMPOTENCY_IN_PROGRESS NOT_SENT')).toHaveLength(7);
      expect(verdicts.get('replayed')).toHaveLength(3);
    });

    test('a key of an ended process has an unknown fate once its lease expires, and is never sent again', async () => {
      const clock = { nowMs: Date.UTC(2026, 1, 22) };
      const never = scriptedUpstream(() => new Promise(() => undefined));
      const ended = await keyedOver(kind, never.tasks, { clock });
      void ended.tasks.create(REPORT_TASK, CALL);
      while (never.sent.length === 0) await new Promise((done) => void setImmediate(done));
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks } = await keyedOver(kind, inner, { clock }, ended.database);
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('IDEMPOTENCY_IN_PROGRESS NOT_SENT');
      clock.nowMs += LEASE_MS;
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('UPSTREAM_CONNECTION_LOST UNKNOWN');
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('UPSTREAM_CONNECTION_LOST UNKNOWN');
      expect(await tasks.findOutcome('k-1', CALL)).toMatchObject({ state: 'UNKNOWN' });
      expect(sent).toHaveLength(0);
    });

    test('a gateway whose clock is more than a key lifetime ahead does not delete valid keys', async () => {
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks } = await keyedOver(kind, inner);
      await tasks.create(REPORT_TASK, CALL);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * EXPIRY_MS });
      onTestFinished(() => void vi.useRealTimers());
      await tasks.create(REPORT_TASK, { ...CALL, idempotencyKey: 'k-2' });
      expect((await tasks.create(REPORT_TASK, CALL)).replayed).toBe(true);
      vi.useRealTimers();
      expect((await tasks.create(REPORT_TASK, CALL)).replayed).toBe(true);
      expect(sent).toHaveLength(2);
    });

    test('the same key with another Authorization header is a different key', async () => {
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks } = await keyedOver(kind, inner);
      await tasks.create(REPORT_TASK, CALL);
      const other = await tasks.create(REPORT_TASK, {
        ...CALL,
        caller: { kind: 'forwarded', authorization: 'Bearer b' },
      });
      expect(other.replayed).toBe(false);
      expect(sent).toHaveLength(2);
    });

    describe('keys of a caller whose JWT the gateway verifies', () => {
      const withToken = (token: string): WriteCall => ({
        ...CALL,
        caller: { kind: 'forwarded', authorization: `Bearer ${token}`, verified: { subject: 's', expiresAtMs: 0 } },
      });
      test('a key is known with a renewed token', async () => {
        const { tasks: inner, sent } = scriptedUpstream();
        const { tasks } = await keyedOver(kind, inner);
        await tasks.create(REPORT_TASK, withToken('1'));
        expect((await tasks.create(REPORT_TASK, withToken('2'))).replayed).toBe(true);
        expect(sent).toHaveLength(1);
      });
    });

    test('a create whose key cannot be stored is not sent; a create without a key is', async () => {
      const { tasks: inner, sent } = scriptedUpstream();
      const { tasks, database } = await keyedOver(kind, inner);
      await database.close();
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('STORE_UNAVAILABLE NOT_SENT');
      expect(sent).toHaveLength(0);
      expect(await resultOf(tasks.create(REPORT_TASK, { ...CALL, idempotencyKey: null }))).toBe('created');
    });

    test('a create whose settlement cannot be written still returns the task and reports the failure', async () => {
      const database = await migratedDatabase(kind);
      const { tasks: inner } = scriptedUpstream(async () => {
        await database.close();
        return createdTask();
      });
      const { tasks, unsettled } = await keyedOver(kind, inner, {}, database);
      expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('created');
      expect(unsettled).toHaveLength(1);
    });

    test('no Authorization header is stored in clear text', async () => {
      const { tasks: inner } = scriptedUpstream();
      const { tasks, database } = await keyedOver(kind, inner);
      await tasks.create(REPORT_TASK, CALL);
      expect(JSON.stringify(await database.read('SELECT * FROM idempotency_keys'))).not.toContain('Bearer');
    });
  });
});
