import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TaskUpdate } from '../../src/contract/account-task.ts';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
import { type Database, DatabaseUnavailableError } from '../../src/store/sql/database.ts';
import { openStore } from '../../src/store/store.ts';
import { type TestClock, withClock } from '../support/clocked-database.ts';
import { DATABASES, type DatabaseKind } from '../support/databases.ts';
import { callOf, REPORT_TASK, sampleCall, sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';

const START_MS = Date.UTC(2026, 1, 22, 4, 10, 0, 950);
const OTHER_TASK_ID = '0c9e0a2e-3f4b-4c52-9d0a-5f1c3f1f7a10';
const CONFLICT = { code: 'CONFLICT', outcome: 'REJECTED', retryable: false };

/** Opens a store with a task that was created at START_MS. */
async function storeWithTask(kind: DatabaseKind, decorate = (database: Database) => database) {
  const clock: TestClock = { nowMs: START_MS };
  const { store, database, databaseUrl } = await sampleStore(kind, {}, (own) => decorate(withClock(own, clock)));
  await store.catalogue.add({ id: OTHER_TASK_ID, name: 'Another task' });
  const call = await sampleCall(database, 'Reports');
  const { accountTask } = await store.tasks.create(REPORT_TASK, call);
  const update: TaskUpdate = { id: accountTask.ID, enabled: false, task: REPORT_TASK, ifModified: null };
  const read = async () => (await store.tasks.find([accountTask.ID], call))[0];
  return { store, database, databaseUrl, call, clock, accountTask, update, read };
}

/** Makes the next commit store its work, but lose the answer. */
function losingAnswers(database: Database, state: { isLosing: boolean }): Database {
  return {
    ...database,
    async transaction(work) {
      const result = await database.transaction(work);
      if (!state.isLosing) return result;
      throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
    },
  };
}

describe.each(DATABASES)('an update in the store on %s', (kind) => {
  test('replaces every field of the request, and keeps the others', async () => {
    const { store, database, call, clock, accountTask, read } = await storeWithTask(kind);
    const { accountId } = call.caller as { readonly accountId: string };
    const client = await addClient(database, { name: 'Second', accountId });
    clock.nowMs += 1_000;
    const task = {
      TaskID: OTHER_TASK_ID,
      Frequency: 'WEEKLY',
      StartDate: null,
      FinishDate: '2026-03-01T00:00:00.0000001-11:30',
      Parameters: ' <a>🦊\r\n</a>',
      ContentType: 'application/xml',
      Notification: 'EMAIL',
    } as const;
    const update = { id: accountTask.ID, enabled: false, task, ifModified: null };
    const updated = await store.tasks.update(update, callOf(accountId, client.id));
    const { DateCreated, ClientID, Status } = accountTask.fields;
    const fields = {
      ID: accountTask.ID,
      ...task,
      Name: 'Another task',
      Enabled: false,
      DateCreated,
      DateModified: '2026-02-22T04:10:01.95+00:00',
      LastRunOn: null,
      LastRunBy: null,
      LastModifiedBy: 'Second',
      Status,
      ClientID,
    };
    expect(updated).toMatchObject({
      accountTask: { ID: accountTask.ID, TaskID: OTHER_TASK_ID, ClientID, fields, recordedAt: null },
      Identification: { UserId: accountId },
      Result: 'UPDATED',
    });
    expect(await read()).toEqual(updated.accountTask);
    expect(Object.keys(updated.accountTask?.detail ?? {})).toEqual(Object.keys(accountTask.detail));
  });

  test('a missing notification becomes NONE again', async () => {
    const { store, call, update, read } = await storeWithTask(kind);
    await store.tasks.update({ ...update, task: { ...REPORT_TASK, Notification: 'EMAIL' } }, call);
    await store.tasks.update(update, call);
    expect((await read())?.fields.Notification).toBe('NONE');
  });

  test.each([
    ['a task that does not exist', { id: randomUUID() }, 'ACCOUNT_TASK_NOT_FOUND', 'REJECTED'],
    [
      'a TaskID that is not in the catalogue',
      { task: { ...REPORT_TASK, TaskID: randomUUID() } },
      'TASK_NOT_FOUND',
      'REJECTED',
    ],
    [
      'a finish before the start',
      { task: { ...REPORT_TASK, FinishDate: '2026-02-22T04:10:00Z' } },
      'BAD_USER_INPUT',
      'NOT_SENT',
    ],
    ['another time in ifModified', { ifModified: '2026-02-22T04:10:00.9500001Z' }, 'CONFLICT', 'REJECTED'],
  ])('is refused for %s, and changes nothing', async (_, change, code, outcome) => {
    const { store, call, accountTask, update, read } = await storeWithTask(kind);
    const results = await Promise.allSettled([
      store.tasks.update({ ...update, ...change }, call),
      store.tasks.create(REPORT_TASK, call),
    ]);
    expect(results).toMatchObject([{ reason: { code, outcome } }, { status: 'fulfilled' }]);
    expect(await read()).toEqual(accountTask);
  });

  test("another account's task is not found, and a revoked client may not update its own", async () => {
    const { store, database, call, accountTask, update } = await storeWithTask(kind);
    await expect(store.tasks.update(update, await sampleCall(database))).rejects.toMatchObject({
      code: 'ACCOUNT_TASK_NOT_FOUND',
    });
    await store.clients.revoke((call.caller as { readonly clientId: string }).clientId);
    await expect(store.tasks.update(update, call)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      outcome: 'NOT_SENT',
    });
    const { accountId } = call.caller as { readonly accountId: string };
    expect(await store.tasks.find([accountTask.ID], callOf(accountId))).toEqual([accountTask]);
  });

  test('ifModified is compared as an instant, whatever its offset and digits', async () => {
    const { store, call, clock, update } = await storeWithTask(kind);
    clock.nowMs += 0.0001;
    await store.tasks.update({ ...update, ifModified: '2026-02-22T06:10:00.95+02:00' }, call);
    await store.tasks.update({ ...update, ifModified: '2026-02-22T04:10:00.9500001Z' }, call);
    await expect(store.tasks.update({ ...update, ifModified: '2026-02-22T04:10:00.95Z' }, call)).rejects.toMatchObject(
      CONFLICT,
    );
  });

  test('every state of a task has its own time, even within a tick and when the clock goes back', async () => {
    const { store, call, clock, accountTask, update } = await storeWithTask(kind);
    const times = [accountTask.fields.DateModified];
    for (const stepMs of [0, 0, -3_600_000, 3_600_001]) {
      clock.nowMs += stepMs;
      times.push((await store.tasks.update(update, call)).accountTask?.fields.DateModified);
    }
    expect(times).toEqual([
      '2026-02-22T04:10:00.95+00:00',
      '2026-02-22T04:10:00.9500001+00:00',
      '2026-02-22T04:10:00.9500002+00:00',
      '2026-02-22T04:10:00.9500003+00:00',
      formatTimestamp(START_MS + 1),
    ]);
  });

  test.each(['in one commit', 'from two processes'])(
    'of concurrent updates with one ifModified, %s, one succeeds',
    async (where) => {
      const { store, databaseUrl, call, update, read } = await storeWithTask(kind);
      const other = where === 'in one commit' ? store : await openStore({ databaseUrl });
      onTestFinished(() => other.close());
      for (let round = 0; round < 5; round += 1) {
        const ifModified = (await read())?.fields.DateModified ?? '';
        const results = await Promise.allSettled(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 === 0 ? store : other).tasks.update(
              { ...update, ifModified, task: { ...REPORT_TASK, Parameters: String(index) } },
              call,
            ),
          ),
        );
        const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
        expect(won).toHaveLength(1);
        for (const reason of lost) expect(reason).toMatchObject(CONFLICT);
        expect(await read()).toEqual(won[0]?.accountTask);
      }
    },
  );

  test('concurrent updates without ifModified all succeed, and of one process the last one stays', async () => {
    const { store, call, update, read } = await storeWithTask(kind);
    const ids = [
      update.id,
      ...(await Promise.all([1, 2].map(() => store.tasks.create(REPORT_TASK, call)))).map(
        ({ accountTask }) => accountTask.ID,
      ),
    ];
    const updated = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        store.tasks.update(
          { ...update, id: ids[index % 3] ?? '', task: { ...REPORT_TASK, Parameters: String(index) } },
          call,
        ),
      ),
    );
    expect(updated.map(({ accountTask }) => accountTask?.fields.Parameters)).toEqual(
      updated.map((_, index) => String(index)),
    );
    expect((await read())?.fields.Parameters).toBe('27');
  });

  test('a commit whose answer is lost has an unknown outcome, and the update can be repeated', async () => {
    const state = { isLosing: false };
    const { store, call, update, read } = await storeWithTask(kind, (database) => losingAnswers(database, state));
    state.isLosing = true;
    await expect(store.tasks.update(update, call)).rejects.toMatchObject({ code: 'STORE_FAILED', outcome: 'UNKNOWN' });
    state.isLosing = false;
    expect((await store.tasks.update(update, call)).accountTask).toEqual(await read());
  });
});
