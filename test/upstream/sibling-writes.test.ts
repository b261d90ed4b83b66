import { describe, expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../src/contract/json-value.ts';
import type { TaskUpdate } from '../../src/contract/account-task.ts';
import type { TaskService } from '../../src/contract/task-service.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { type RestReply, type RestRequest, startRestService } from '../support/rest-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/upstream-service.ts';
import { openRawService } from '../support/upstream-client.ts';
import { expectFailure } from './expected-failure.ts';

const OTHER_ID = '00000000-0000-4000-8000-000000000001';
const CLIENT = { Name: 'a client', UserID: OTHER_ID, Secret: 'correct horse battery' };
const UPDATE: TaskUpdate = { id: OTHER_ID, enabled: false, task: SAMPLE_TASK, ifModified: null };
const NOT_FOUND = { code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED', retryable: false } as const;

/** Each sibling write, of a task that need not exist. */
const WRITES: readonly (readonly [string, (tasks: TaskService) => Promise<unknown>])[] = [
  ['update', (tasks) => tasks.update(UPDATE, CALL)],
  ['run', (tasks) => tasks.run({ id: OTHER_ID }, CALL)],
  ['createClient', (tasks) => tasks.createClient(CLIENT, CALL)],
];

type Answer = (request: RestRequest) => RestReply | null;

async function openService(answer: Answer = () => null) {
  const service = await startRestService({ answer });
  onTestFinished(() => service.close());
  return service;
}

const json = (Detail: JsonObject, status = 200): RestReply => ({
  status,
  body: JSON.stringify({ Error: null, ResponseData: { Identification: { UserId: 'u' }, Result: 'r', Detail } }),
});

describe.each(FORMATS)('the siblings in %s', (format) => {
  test('an update arrives as one PUT with every field, and returns the task that it left', async () => {
    const service = await openService();
    const tasks = openTaskService(service.url, { format });
    const { accountTask } = await tasks.create(SAMPLE_TASK, CALL);
    const task = { ...SAMPLE_TASK, Parameters: '{"note":"2 < 3 ü"}', FinishDate: '2027-01-01T00:00:00Z' };
    const updated = await tasks.update({ id: accountTask.ID, enabled: false, task, ifModified: null }, CALL);
    expect(service.requests.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT /api/v1/admin/tasks/account/${accountTask.ID}`,
    ]);
    expect(service.requests[1]?.headers).toMatchObject({
      'content-type': `application/${format}; charset=utf-8`,
      authorization: CALL.caller.authorization,
      'x-request-id': CALL.requestId,
    });
    expect(updated).toMatchObject({ Identification: { UserId: 'user-1' }, Result: 'Updated' });
    expect(updated.accountTask).toMatchObject({ ID: accountTask.ID, fields: { ...task, Enabled: false } });
    expect(service.tasks).toEqual([updated.accountTask?.detail]);
  });

  test('a run arrives as one POST without a body and without a Content-Type', async () => {
    const service = await openService();
    const tasks = openTaskService(service.url, { format });
    const { ID } = (await tasks.create(SAMPLE_TASK, CALL)).accountTask;
    expect(await tasks.run({ id: ID }, CALL)).toEqual({
      Identification: { UserId: 'user-1' },
      Result: 'Started',
      replayed: false,
    });
    const [, request] = service.requests;
    expect(`${request?.method} ${request?.path}`).toBe(`POST /api/v1/admin/tasks/account/run?id=${ID}`);
    expect([request?.headers['content-type'], request?.headers['content-length'], request?.body.length]).toEqual([
      undefined,
      '0',
      0,
    ]);
    expect(request?.headers.accept).toMatch(new RegExp(`^application/${format},`));
    expect(service.runs).toEqual([ID]);
  });

  test('a client arrives as one POST, and its secret is in the answer', async () => {
    const service = await openService();
    const tasks = openTaskService(service.url, { format });
    const created = await tasks.createClient({ ...CLIENT, Secret: 'a <secret> & more' }, CALL);
    expect(service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/v1/admin/clients']);
    expect(service.clients).toEqual([{ ID: created.ID, Name: 'a client', Secret: 'a <secret> & more' }]);
    expect(created).toMatchObject({ Name: 'a client', Secret: 'a <secret> & more' });
  });

  test('a secret is made where none is given, another one each time', async () => {
    const service = await openService(({ path }) => (path.includes('clients') ? json({ ID: OTHER_ID }) : null));
    const tasks = openTaskService(service.url, { format });
    const [first, second] = [
      await tasks.createClient({ ...CLIENT, Secret: null }, CALL),
      await tasks.createClient({ ...CLIENT, Secret: null }, CALL),
    ];
    expect(first.Secret).toMatch(/^[\w-]{43}$/);
    expect(second.Secret).not.toBe(first.Secret);
    expect(service.requests.map(({ body }) => body.toString().includes(first.Secret ?? ''))).toEqual([true, false]);
  });

  test('an update and a run of a task that does not exist are refused', async () => {
    const service = await openService();
    const tasks = openTaskService(service.url, { format });
    await expectFailure(tasks.update(UPDATE, CALL), NOT_FOUND);
    await expectFailure(tasks.run({ id: OTHER_ID }, CALL), NOT_FOUND);
    expect([service.requests.length, service.runs]).toEqual([2, []]);
  });
});

test('an update with ifModified is not sent, because the service cannot check it', async () => {
  const service = await openService();
  const update = { ...UPDATE, ifModified: '2026-02-22T04:10:00Z' };
  const { message } = await expectFailure(openTaskService(service.url).update(update, CALL), {
    code: 'BAD_USER_INPUT',
    outcome: 'NOT_SENT',
    retryable: false,
  });
  expect(message).toMatch(/^ifModified: .*service cannot check it/);
  expect(service.requests).toEqual([]);
});

test.each([
  ['ID', { ID: SAMPLE_TASK.TaskID, TaskID: SAMPLE_TASK.TaskID }],
  ['TaskID', { ID: OTHER_ID, TaskID: OTHER_ID }],
])('an update whose answer names another %s has an unknown outcome, unless the check is off', async (_, detail) => {
  const service = await openService(() => json(detail));
  const UNREADABLE = { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN', retryable: false } as const;
  await expectFailure(openTaskService(service.url).update(UPDATE, CALL), UNREADABLE);
  const unchecked = openTaskService(service.url, { checksTaskId: false });
  expect((await unchecked.update(UPDATE, CALL)).accountTask).toMatchObject(detail);
});

test('a client whose answer has another Name has an unknown outcome, unless the check is off', async () => {
  const service = await openService(() => json({ ID: OTHER_ID, Name: 'another', Secret: 'of another caller' }));
  const { message } = await expectFailure(openTaskService(service.url).createClient(CLIENT, CALL), {
    code: 'UPSTREAM_UNREADABLE',
    outcome: 'UNKNOWN',
    retryable: false,
  });
  expect(message).toMatch(/a Name other than the one that was sent.*UPSTREAM_CHECK_TASK_ID=off/);
  const unchecked = openTaskService(service.url, { checksTaskId: false });
  expect(await unchecked.createClient(CLIENT, CALL)).toMatchObject({ Name: 'another' });
});

describe.each(WRITES)('the write safety of %s', (_, write) => {
  test('it is sent once if its connection breaks, and says what may have happened', async () => {
    const service = await openRawService((socket) => socket.destroy());
    const { message } = await expectFailure(write(openTaskService(service.url)), {
      code: 'UPSTREAM_CONNECTION_LOST',
      outcome: 'UNKNOWN',
      retryable: false,
    });
    expect(message).toMatch(
      /; (the task may have been (updated|run)|a client may exist whose secret nobody has; create another)\.$/,
    );
    expect(service.posts).toHaveLength(1);
  });

  test('it is sent once if the service fails', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(503)));
    const FAILED = { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN', retryable: false } as const;
    await expectFailure(write(openTaskService(service.url)), FAILED);
    expect(service.posts).toHaveLength(1);
  });

  test("it is sent once more after a 401 for the gateway's own token", async () => {
    const service = await openService(({ headers }) =>
      headers.authorization === 'Bearer old' ? { status: 401, body: '' } : null,
    );
    const tasks = openTaskService(service.url, {
      authorize: () => 'Bearer old',
      reauthorize: async () => 'Bearer new',
    });
    await write(tasks).catch(() => undefined);
    expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    expect(service.requests[0]?.body).toEqual(service.requests[1]?.body);
  });
});
