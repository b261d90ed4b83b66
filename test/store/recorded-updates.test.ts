import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type AccountTask,
  readAccountTask,
  type TaskUpdate,
  type UpdatedAccountTask,
} from '../../src/contract/account-task.ts';
import { type FailureKind, TaskFailure } from '../../src/contract/failure.ts';
import type { Caller } from '../../src/contract/task-service.ts';
import { createRefusedCredentials } from '../../src/store/refused-credentials.ts';
import { createTaskRecords } from '../../src/store/task-records.ts';
import { recordedTaskService } from '../../src/store/upstream-records.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { DATABASES, type DatabaseKind } from '../support/databases.ts';
import { migratedDatabase, REPORT_TASK } from '../support/sample-account.ts';
import { withOutages } from './outages.ts';
import { scriptedUpstream } from './scripted-upstream.ts';

const { ID } = SAMPLE_DETAIL;
const UPDATE: TaskUpdate = { id: ID, enabled: false, task: REPORT_TASK, ifModified: null };
const STARTED = { Identification: null, Result: 'started', replayed: false };
const CALL = { caller: { kind: 'forwarded', authorization: 'Bearer a' }, requestId: 'test' } as const;
const SUBJECT = { caller: { kind: 'subject', subject: 's' }, requestId: 'test' } as const;
const LATE = { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' } as const;

function showing(Name: string | null): () => Promise<UpdatedAccountTask> {
  const accountTask = Name === null ? null : (readAccountTask({ ...SAMPLE_DETAIL, Name }, 'Detail') as AccountTask);
  return async () => ({ accountTask, Identification: null, Result: 'updated' });
}

function failing(kind: FailureKind) {
  return () => Promise.reject(new TaskFailure(kind, 'No.'));
}

/** Opens a recorded upstream whose updates return the `answers` in turn. */
async function recordedOver(kind: DatabaseKind, ...answers: readonly (() => Promise<UpdatedAccountTask>)[]) {
  const { database, state } = withOutages(await migratedDatabase(kind));
  const sent: string[] = [];
  const options = { database, maxPending: 1_000, onUnwritten: () => {} };
  const records = createTaskRecords({ ...options, retryMs: 5 });
  const tasks = recordedTaskService(
    {
      ...scriptedUpstream().tasks,
      update: (_, { requestId }) => (sent.push(requestId), answers[sent.length - 1]?.() ?? showing('Last')()),
      run: async ({ id }) => (sent.push(id), STARTED),
    },
    records,
    createRefusedCredentials(options),
  );
  onTestFinished(() => tasks.close());
  const read = async (caller: Caller = CALL.caller) => (await tasks.find([ID], { ...CALL, caller }))[0];
  return { tasks, read, sent, database, state };
}

describe.each(DATABASES)('an update of a recorded task on %s', (kind) => {
  test('an answer with the task replaces the record and its time, and keeps its place in lists', async () => {
    const { tasks, read, database } = await recordedOver(kind, showing('Renamed'));
    await tasks.create(REPORT_TASK, CALL);
    await database.transaction((transaction) =>
      transaction.write("UPDATE recorded_tasks SET recorded_at = '2026-01-01T00:00:00.000Z'"),
    );
    const [before] = await database.read('SELECT position FROM recorded_tasks');
    const { accountTask } = await tasks.update(UPDATE, CALL);
    expect(accountTask?.fields.Name).toBe('Renamed');
    expect(Date.parse(accountTask?.recordedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(await read()).toEqual(accountTask);
    expect(await database.read('SELECT position FROM recorded_tasks')).toEqual([before]);
  });

  test.each([
    ['an answer without the task', showing(null), { accountTask: null, Result: 'updated' }],
    ['an unknown outcome', failing(LATE), LATE],
  ])('%s keeps the record but not its time', async (_, answer, result) => {
    const { tasks, read } = await recordedOver(kind, answer);
    const { accountTask } = await tasks.create(REPORT_TASK, CALL);
    expect(await tasks.update(UPDATE, CALL).catch((error: unknown) => error)).toMatchObject(result);
    expect(await read()).toEqual({ ...accountTask, recordedAt: null });
    await tasks.update(UPDATE, CALL);
    expect(await read()).toMatchObject({ fields: { Name: 'Last' }, recordedAt: expect.any(String) as string });
  });

  test('a refused update leaves the record as it was', async () => {
    const { tasks, read } = await recordedOver(kind, failing({ code: 'TASK_REJECTED', outcome: 'REJECTED' }));
    const { accountTask } = await tasks.create(REPORT_TASK, CALL);
    await expect(tasks.update(UPDATE, CALL)).rejects.toMatchObject({ code: 'TASK_REJECTED' });
    expect(await read()).toEqual(accountTask);
  });

  test("a task that the service shows is recorded for its caller only, and another caller's record stays", async () => {
    const { tasks, read } = await recordedOver(kind);
    const { accountTask } = await tasks.create(REPORT_TASK, CALL);
    const other = { kind: 'forwarded', authorization: 'Bearer b' } as const;
    await tasks.update(UPDATE, { ...CALL, caller: other });
    expect((await read(other))?.fields.Name).toBe('Last');
    expect(await read()).toEqual(accountTask);
  });

  test('an update that is recorded late leaves the answer of a later one alone', async () => {
    const { tasks, state, database } = await recordedOver(kind);
    await tasks.create(REPORT_TASK, CALL);
    state.isDown = true;
    await tasks.update(UPDATE, CALL);
    const later = new Date(Date.now() + 60_000).toISOString();
    state.isDown = false;
    await database.transaction((transaction) =>
      transaction.write("UPDATE recorded_tasks SET detail = '{}', recorded_at = ?1", [later]),
    );
    await tasks.close();
    expect(await database.read('SELECT detail, recorded_at FROM recorded_tasks')).toEqual([
      { detail: '{}', recorded_at: later },
    ]);
  });

  test('with the credentials of the gateway, only tasks that are recorded for the caller are updated and run', async () => {
    const { tasks, sent } = await recordedOver(kind);
    const refusal = {
      code: 'ACCOUNT_TASK_NOT_FOUND',
      outcome: 'REJECTED',
      retryable: false,
      message: `The caller has no account task ${ID}; nothing was sent.`,
    };
    await tasks.create(REPORT_TASK, { ...SUBJECT, caller: { kind: 'subject', subject: 'other' } });
    await expect(tasks.update(UPDATE, SUBJECT)).rejects.toMatchObject(refusal);
    await expect(tasks.run({ id: ID }, SUBJECT)).rejects.toMatchObject(refusal);
    expect(sent).toEqual([]);
    await tasks.create(REPORT_TASK, SUBJECT);
    await tasks.update(UPDATE, SUBJECT);
    expect(await tasks.run({ id: ID }, SUBJECT)).toEqual(STARTED);
    expect(sent).toHaveLength(2);
  });

  test('with the credentials of the caller, the service decides which tasks are updated and run', async () => {
    const { tasks, sent } = await recordedOver(kind);
    await tasks.update(UPDATE, CALL);
    await tasks.run({ id: ID }, CALL);
    expect(sent).toHaveLength(2);
  });

  test.each(['update', 'run'] as const)(
    'a credential that was refused is known again after the service accepts a %s',
    async (name) => {
      const { tasks, read } = await recordedOver(
        kind,
        failing({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }),
        showing(null),
      );
      const { accountTask } = await tasks.create(REPORT_TASK, CALL);
      await expect(tasks.update(UPDATE, CALL)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      await expect(read()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' });
      await (name === 'update' ? tasks.update(UPDATE, CALL) : tasks.run({ id: ID }, CALL));
      expect((await read())?.ID).toBe(accountTask.ID);
    },
  );
});
