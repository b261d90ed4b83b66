import { describe, expect, onTestFinished, test } from 'vitest';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import type { WriteCall, TaskService } from '../../src/contract/task-service.ts';
import { type Database, UnstorableDataError } from '../../src/store/sql/database.ts';
import { createTaskRecords, type NewRecord, toRecord } from '../../src/store/task-records.ts';
import { recordedTaskService } from '../../src/store/upstream-records.ts';
import { createRefusedCredentials, type RefusedCredentials } from '../../src/store/refused-credentials.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { REPORT_TASK, migratedDatabase } from '../support/sample-account.ts';
import { DATABASES } from '../support/databases.ts';
import { withOutages } from './outages.ts';
import { createdTask, scriptedUpstream, resultOf } from './scripted-upstream.ts';

const CALL: WriteCall = {
  caller: { kind: 'forwarded', authorization: 'Bearer a' },
  requestId: 'test',
  idempotencyKey: null,
};

function refusalsOver(database: Database): RefusedCredentials {
  const refusals = createRefusedCredentials({ database, maxPending: 1000, onUnwritten: () => {} });
  onTestFinished(() => refusals.close());
  return refusals;
}

describe.each(DATABASES)('on %s', (kind) => {
  async function recordedOver(tasks: TaskService) {
    const database = await migratedDatabase(kind);
    const unrecorded: string[] = [];
    const records = createTaskRecords({ database, maxPending: 1000, onUnwritten: (_, { id }) => unrecorded.push(id) });
    onTestFinished(() => records.close());
    return {
      database,
      unrecorded,
      tasks: recordedTaskService(tasks, records, refusalsOver(database)),
    };
  }
  const ids = ['c', 'a', 'b'].map((digit) => SAMPLE_DETAIL.ID.replace(/^./, digit));

  test('recorded tasks are found and listed only for the same caller, newest first, as they were created', async () => {
    const { tasks: inner } = scriptedUpstream(...ids.map((id) => async () => createdTask(id)));
    const { tasks } = await recordedOver(inner);
    const created = [];
    for (const _ of ids) created.push((await tasks.create(REPORT_TASK, CALL)).accountTask);
    expect(JSON.stringify(await tasks.find(ids, CALL))).toBe(JSON.stringify(created));
    const page = await tasks.list({ first: 2, after: null }, CALL);
    expect(page.tasks.map(({ ID }) => ID)).toEqual([ids[2], ids[1]]);
    expect(page.hasNextPage).toBe(true);
    const next = await tasks.list({ first: 2, after: ids[1] ?? null }, CALL);
    expect(next.tasks.map(({ ID }) => ID)).toEqual([ids[0]]);
    const other: WriteCall = { ...CALL, caller: { kind: 'forwarded', authorization: 'Bearer b' } };
    expect(await tasks.find(ids, other)).toEqual([null, null, null]);
    expect((await tasks.list({ first: 2, after: null }, other)).tasks).toEqual([]);
  });

  test('a created task and its record carry the time at which the service showed it', async () => {
    const { tasks: inner } = scriptedUpstream();
    const { tasks } = await recordedOver(inner);
    const fromMs = Date.now();
    const { accountTask } = await tasks.create(REPORT_TASK, CALL);
    const { recordedAt } = accountTask;
    expect(recordedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(recordedAt ?? '')).toBeGreaterThanOrEqual(fromMs);
    expect(Date.parse(recordedAt ?? '')).toBeLessThanOrEqual(Date.now());
    expect((await tasks.find([accountTask.ID], CALL))[0]?.recordedAt).toBe(recordedAt);
    expect((await tasks.list({ first: 1, after: null }, CALL)).tasks[0]?.recordedAt).toBe(recordedAt);
  });

  test('tasks that cannot be recorded at once are recorded when the database is available again, in the order of creation', async () => {
    const { database, state } = withOutages(await migratedDatabase(kind));
    state.isDown = true;
    const unrecorded: string[] = [];
    const onUnwritten = (_: unknown, { id }: NewRecord) => unrecorded.push(id);
    const records = createTaskRecords({ database, maxPending: 1000, onUnwritten, retryMs: 5 });
    onTestFinished(() => records.close());
    const { tasks: inner } = scriptedUpstream(...ids.map((id) => async () => createdTask(id)));
    const refusals = refusalsOver(database);
    const tasks = recordedTaskService(inner, records, refusals);
    for (const _ of ids) await tasks.create(REPORT_TASK, CALL);
    expect(unrecorded).toEqual(ids);
    state.isDown = false;
    const list = async () => (await tasks.list({ first: 9, after: null }, CALL)).tasks.map(({ ID }) => ID);
    await expect.poll(list, { timeout: 20_000, interval: 5 }).toEqual(ids.toReversed());
  });

  test('a task that the database refuses is dropped, and other tasks are recorded', async () => {
    const stored = await migratedDatabase(kind);
    const { database, state } = withOutages({
      ...stored,
      transaction: (work) =>
        stored.transaction((transaction) =>
          work({
            ...transaction,
            insert: (table, columns, rows, options) =>
              rows.some((row) => row.includes(ids[0] as string))
                ? Promise.reject(new UnstorableDataError(null))
                : transaction.insert(table, columns, rows, options),
          }),
        ),
    });
    state.isDown = true;
    const unwritten: unknown[] = [];
    const onUnwritten = (error: unknown) => unwritten.push(error);
    const records = createTaskRecords({ database, maxPending: 1000, onUnwritten, retryMs: 5 });
    onTestFinished(() => records.close());
    const { tasks: inner } = scriptedUpstream(...ids.map((id) => async () => createdTask(id)));
    const refusals = refusalsOver(database);
    const tasks = recordedTaskService(inner, records, refusals);
    for (const _ of ids) await tasks.create(REPORT_TASK, CALL);
    state.isDown = false;
    const list = async () => (await tasks.list({ first: 9, after: null }, CALL)).tasks.map(({ ID }) => ID);
    await expect.poll(list, { timeout: 20_000, interval: 5 }).toEqual([ids[2], ids[1]]);
    const later = { code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' };
    expect(unwritten).toMatchObject([later, later, later, { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }]);
  });

  test('a task that cannot be recorded is created nevertheless', async () => {
    const { tasks: inner } = scriptedUpstream();
    const { tasks, database, unrecorded } = await recordedOver(inner);
    await database.close();
    expect(await resultOf(tasks.create(REPORT_TASK, CALL))).toBe('created');
    expect(unrecorded).toEqual([SAMPLE_DETAIL.ID]);
    await expect(tasks.find(ids, CALL)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'NOT_SENT' });
  });
});

test('the size of a queued record includes every field of the task', async () => {
  const { database, state } = withOutages(await migratedDatabase('SQLite'));
  state.isDown = true;
  const unwritten: unknown[] = [];
  const records = createTaskRecords({
    database,
    maxPending: 1000,
    maxQueuedBytes: 1_500_000,
    onUnwritten: (error) => unwritten.push(error),
    retryMs: 3_600_000,
  });
  onTestFinished(() => records.close());
  const task = readAccountTask({ ...SAMPLE_DETAIL, Name: 'x'.repeat(1_000_000) }, 'Detail') as AccountTask;
  for (let record = 0; record < 2; record += 1) {
    await records.write(toRecord({ scope: 's', credential: null }, task));
  }
  const isDown = { code: 'STORE_UNAVAILABLE' };
  expect(unwritten).toMatchObject([isDown, { message: expect.stringContaining('was dropped') as string }, isDown]);
});
