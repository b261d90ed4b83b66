import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DETAIL_FIELDS, type NewAccountTask } from '../../src/contract/account-task.ts';
import type { Call, Caller } from '../../src/contract/task-service.ts';
import { openStore } from '../../src/store/store.ts';
import { withClock } from '../support/clocked-database.ts';
import { callOf, createMany, REPORT_TASK, sampleCall, sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';
import { DATABASES } from '../support/databases.ts';

describe.each(DATABASES)('on %s', (kind) => {
  test('a created task has the input and the values that the store sets, in the order of the contract', async () => {
    const { store, database } = await sampleStore(kind, {}, (own) =>
      withClock(own, { nowMs: Date.UTC(2026, 1, 22, 4, 10, 0, 950) }),
    );
    const client = await addClient(database, { name: 'Reports' });
    const task = { ...REPORT_TASK, FinishDate: '2026-03-01T00:00:00.0000001-11:30' };
    const created = await store.tasks.create(task, callOf(client.accountId, client.id));
    const { ID } = created.accountTask;
    const detail = {
      ID,
      TaskID: REPORT_TASK.TaskID,
      Name: 'Send the report',
      Enabled: true,
      Frequency: 'DAILY',
      StartDate: '2026-02-22T04:10:00.9543747+00:00',
      FinishDate: '2026-03-01T00:00:00.0000001-11:30',
      Parameters: '{"a":1}',
      ContentType: 'application/json',
      Notification: 'NONE',
      DateCreated: '2026-02-22T04:10:00.95+00:00',
      DateModified: '2026-02-22T04:10:00.95+00:00',
      LastRunOn: null,
      LastRunBy: null,
      LastModifiedBy: 'Reports',
      Status: 'REGISTERED',
      ClientID: client.id,
    };
    expect(created).toEqual({
      accountTask: { ID, TaskID: REPORT_TASK.TaskID, ClientID: client.id, fields: detail, detail, recordedAt: null },
      Identification: { UserId: client.accountId },
      Result: 'CREATED',
      replayed: false,
    });
    expect(ID).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(ID.replace('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 1, 22, 4, 10, 0, 950));
    expect(Object.keys(created.accountTask.detail)).toEqual(Object.keys(DETAIL_FIELDS));

    const [found] = await store.tasks.find([ID], callOf(client.accountId));
    expect(found).toEqual(created.accountTask);
    expect(Object.keys(found?.detail ?? {})).toEqual(Object.keys(DETAIL_FIELDS));
  });

  test('an acknowledged task is still there when the database is opened again', async () => {
    const { store, database, databaseUrl } = await sampleStore(kind);
    const call = await sampleCall(database);
    const created = await createMany(store, call, 20);
    await store.close();
    const reopened = await openStore({ databaseUrl });
    const tasks = created.map(({ accountTask }) => accountTask);
    const ids = tasks.map(({ ID }) => ID);
    expect(await reopened.tasks.find(ids, call)).toEqual(tasks);
    await reopened.close();
  });

  test.each([
    ['markup', '<a b="&#65;">]]></a>'],
    ['emoji and other planes', '{"a":"🦊 ü \u{10FFFF}"}'],
    ['CR LF and blanks', ' \r\n\t{ }\r\n '],
    ['digits with leading zeros', '00123'],
    ['SQL', `'"); DROP TABLE account_tasks; --`],
    ['a mebibyte', `"${'🦊\r\n'.repeat(174_763)}"`],
  ])('Parameters with %s are returned unchanged', async (_, Parameters) => {
    const { store, database } = await sampleStore(kind);
    const call = await sampleCall(database);
    const { accountTask } = await store.tasks.create({ ...REPORT_TASK, Parameters }, call);
    const [found] = await store.tasks.find([accountTask.ID], call);
    expect(accountTask.fields.Parameters === Parameters).toBe(true);
    expect(found?.fields.Parameters === Parameters).toBe(true);
  });

  test.each([
    ['a token of its second client', 'second'],
    ['a token of the account itself', null],
    ['a token of a client of another account', 'foreign'],
  ] as const)('a create with %s belongs to that client, else to the oldest of the account', async (_, which) => {
    const { store, database } = await sampleStore(kind);
    const first = await addClient(database, { name: 'First' });
    const { accountId } = first;
    const second = await addClient(database, { name: 'Second', accountId });
    const foreign = await addClient(database, { name: 'Foreign' });
    const clientId = which && { second, foreign }[which].id;
    const { accountTask } = await store.tasks.create(REPORT_TASK, callOf(accountId, clientId));
    const expected = which === 'second' ? second : first;
    expect(accountTask.fields).toMatchObject({ ClientID: expected.id, LastModifiedBy: expected.name });
  });

  test('creates of several clients of an account in one commit belong to their own clients', async () => {
    const { store, database } = await sampleStore(kind);
    const first = await addClient(database, { name: 'First' });
    const { accountId } = first;
    const second = await addClient(database, { name: 'Second', accountId });
    const created = await Promise.all(
      [null, second.id, first.id].map((clientId) => store.tasks.create(REPORT_TASK, callOf(accountId, clientId))),
    );
    expect(created.map(({ accountTask }) => accountTask.ClientID)).toEqual([first.id, second.id, first.id]);
  });

  test('creates of several accounts in one commit belong to their own clients', async () => {
    const { store, database } = await sampleStore(kind);
    const calls = await Promise.all(['A', 'B', 'C'].map((name) => sampleCall(database, name)));
    const created = await Promise.all(calls.map((call) => store.tasks.create(REPORT_TASK, call)));
    expect(created.map(({ accountTask }) => accountTask.fields.LastModifiedBy)).toEqual(['A', 'B', 'C']);
    expect(created.map(({ Identification }) => Identification?.UserId)).toEqual(
      calls.map(({ caller }) => caller.kind === 'account' && caller.accountId),
    );
  });

  test('a create for an account without a client, or of a task outside the catalogue, fails alone in its batch', async () => {
    const { store, database } = await sampleStore(kind);
    const call = await sampleCall(database);
    const results = await Promise.allSettled([
      store.tasks.create(REPORT_TASK, call),
      store.tasks.create(REPORT_TASK, callOf(randomUUID())),
      store.tasks.create({ ...REPORT_TASK, TaskID: randomUUID() }, call),
      store.tasks.create(REPORT_TASK, call),
    ]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'CLIENT_REQUIRED', outcome: 'REJECTED' } },
      { status: 'rejected', reason: { code: 'TASK_NOT_FOUND', outcome: 'REJECTED' } },
      { status: 'fulfilled' },
    ]);
    expect(await database.read('SELECT COUNT(*) AS count FROM account_tasks')).toEqual([{ count: 2 }]);
  });

  test.each<readonly [string, Pick<NewAccountTask, 'StartDate' | 'FinishDate'>]>([
    ['100 ns before the start', { StartDate: '2026-02-22T04:10:00.0000001Z', FinishDate: '2026-02-22T04:10:00Z' }],
    ['before it by its offset', { StartDate: '2026-02-22T04:10:00Z', FinishDate: '2026-02-22T05:00:00+01:00' }],
  ])('a finish date %s is refused and nothing is stored', async (_, dates) => {
    const { store, database } = await sampleStore(kind);
    const call = await sampleCall(database);
    const message = expect.stringMatching(/^finishDate: expected startDate .* or a later time, got /);
    await expect(store.tasks.create({ ...REPORT_TASK, ...dates }, call)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NOT_SENT',
      message,
    });
    expect(await store.tasks.list({ first: 1, after: null }, call)).toEqual({ tasks: [], hasNextPage: false });
  });

  test.each<readonly [string, Pick<NewAccountTask, 'StartDate' | 'FinishDate'>]>([
    ['at the start', { StartDate: '2026-02-22T04:10:00Z', FinishDate: '2026-02-22T05:10:00+01:00' }],
    ['100 ns after the start', { StartDate: '2026-02-22T04:10:00Z', FinishDate: '2026-02-22T04:10:00.0000001Z' }],
    ['without a start', { StartDate: null, FinishDate: '2026-02-22T04:10:00Z' }],
  ])('a finish date %s is stored unchanged', async (_, dates) => {
    const { store, database } = await sampleStore(kind);
    const call = await sampleCall(database);
    const { accountTask } = await store.tasks.create({ ...REPORT_TASK, ...dates }, call);
    expect((await store.tasks.find([accountTask.ID], call))[0]?.fields).toMatchObject(dates);
  });

  test.each<Caller>([
    { kind: 'forwarded', authorization: 'Bearer x' },
    { kind: 'subject', subject: 'x' },
  ])('a caller that is not an account of the store ($kind) is refused everything', async (caller) => {
    const { store } = await sampleStore(kind);
    const call: Call = { caller, requestId: 'test' };
    const refusal = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' };
    await expect(store.tasks.create(REPORT_TASK, call)).rejects.toMatchObject(refusal);
    await expect(store.tasks.find([randomUUID()], call)).rejects.toMatchObject(refusal);
    await expect(store.tasks.list({ first: 1, after: null }, call)).rejects.toMatchObject(refusal);
  });
});
