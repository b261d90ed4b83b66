import { describe, expect, test } from 'vitest';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import { decorateWrites, type TaskService, unsupportedWrites } from '../../src/contract/task-service.ts';
import { createRestEndpoint } from '../../src/rest/account-task-endpoint.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { toHttpRequest, toRecord } from '../support/http-request.ts';
import { formText, jsonText, TASK_ID, xmlElements } from '../support/request-texts.ts';

const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const ACCOUNT_ID = '22222222-3333-4444-8555-666666666666';
const TASK = readAccountTask({ ...SAMPLE_DETAIL, ID }, 'Detail') as AccountTask;
const RESULTS = {
  create: null,
  update: { accountTask: TASK, Identification: { UserId: 'u' }, Result: 'r' },
  run: { Identification: { UserId: 'u' }, Result: 'r', replayed: false },
  createClient: { ID, Name: 'shop', Secret: 'sixteen-characters', detail: {} },
};
const REFUSAL = new TaskFailure({ code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED' }, 'No such task.');
const UPDATE = `/api/v1/admin/tasks/account/${ID}`;
const RUN = `/api/v1/admin/tasks/account/run?id=${ID}`;
const CLIENTS = '/api/v1/admin/clients';
const CLIENT = `{"Name":"shop","Secret":"sixteen-characters","UserID":"${ACCOUNT_ID}"}`;
const UPDATE_XML = `<AccountTaskUpdateRequest>${xmlElements()}<Enabled>true</Enabled></AccountTaskUpdateRequest>`;
const TEXTS = { json: 'application/json', xml: 'application/xml', form: 'application/x-www-form-urlencoded' };

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly type?: keyof typeof TEXTS;
  readonly headers?: Readonly<Record<string, string>>;
  readonly failure?: Error;
}

/** Sends a request to an endpoint over a scripted port, and returns its answer and the calls of the port. */
async function ask(url: string, { method = 'POST', body = '', type = 'json', headers = {}, failure }: Sent = {}) {
  const calls: unknown[] = [];
  const endpoint = createRestEndpoint({
    tasks: decorateWrites(unsupportedWrites('not part of this test'), (_, name) => async (input, call) => {
      calls.push({ name, input, key: call.idempotencyKey });
      if (failure) throw failure;
      return RESULTS[name] as never;
    }) as TaskService,
    authenticate: async () => ({ kind: 'account', accountId: ACCOUNT_ID, clientId: null }),
    tables: { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS },
    maxBodyBytes: 2000,
    onRefused: () => undefined,
    log: { warn: () => undefined, error: () => undefined },
  });
  const sent = { ...(body && { 'content-type': TEXTS[type] }), ...headers };
  const answer = await endpoint(toHttpRequest({ method, url, headers: sent, body }), toRecord('r'));
  return { status: answer.status, allow: answer.headers['Allow'], text: String(answer.body), calls };
}

const TASK_INPUT = {
  TaskID: TASK_ID,
  Frequency: 'NONE',
  StartDate: null,
  FinishDate: null,
  Parameters: '"p"',
  ContentType: 'application/json',
  Notification: null,
};
const updateWith = (fields: Record<string, string | null> = {}) => jsonText({ Enabled: 'false', ...fields });

describe('PUT of an account task', () => {
  test.each([
    ['JSON', 'json', updateWith(), { enabled: false, task: TASK_INPUT }],
    [
      'XML',
      'xml',
      UPDATE_XML,
      {
        enabled: true,
        task: {
          ...TASK_INPUT,
          StartDate: '2026-02-22T04:10:00.9543747+00:00',
          Parameters: '<p/>',
          ContentType: 'application/xml',
        },
      },
    ],
    [
      'a form',
      'form',
      formText({ Enabled: 'True' }),
      { enabled: true, task: { ...TASK_INPUT, Parameters: '"p q r"' } },
    ],
  ] as const)('updates the task by %s', async (_, type, body, input) => {
    const { status, text, calls } = await ask(UPDATE, { method: 'PUT', body, type, headers: { accept: 'text/json' } });
    expect(calls).toEqual([{ name: 'update', input: { id: ID, ifModified: null, ...input }, key: null }]);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ Error: null, ResponseData: { Result: 'r', Detail: { ID } } });
  });

  test.each([
    ['a GUID in braces', `%7B${ID.toUpperCase()}%7D`],
    ['a GUID without hyphens', ID.replaceAll('-', '')],
  ])('takes %s', async (_, id) => {
    const { calls } = await ask(UPDATE.replace(ID, id), { method: 'PUT', body: updateWith() });
    expect(calls).toMatchObject([{ input: { id: ID } }]);
  });

  test('reports an ID that is no GUID beside the errors of its body', async () => {
    const { status, text, calls } = await ask(UPDATE.replace(ID, 'run'), {
      method: 'PUT',
      body: updateWith({ Enabled: '"maybe"' }),
    });
    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        Message: 'The request is invalid.',
        ModelState: {
          id: ["The value 'run' is not valid for Guid."],
          'request.Enabled': ['An error has occurred.'],
        },
      },
    ]);
    expect(calls).toEqual([]);
  });

  test.each([
    ['Enabled is missing', jsonText(), 'Enabled: is required'],
    ['there is no body', '', 'the request: contains no AccountTaskUpdateRequest'],
  ])('is refused by the envelope if %s', async (_, body, reason) => {
    const { status, text, calls } = await ask(UPDATE, { method: 'PUT', body });
    expect([status, JSON.parse(text)]).toMatchObject([
      400,
      { Error: { ErrorCode: 'BAD_USER_INPUT', ErrorReason: reason } },
    ]);
    expect(calls).toEqual([]);
  });

  test('answers a failure with the status of its code', async () => {
    const { status, text } = await ask(UPDATE, { method: 'PUT', body: updateWith(), failure: REFUSAL });
    expect([status, JSON.parse(text)]).toMatchObject([404, { Error: { ErrorCode: 'ACCOUNT_TASK_NOT_FOUND' } }]);
  });
});

describe('POST of a run', () => {
  test.each([
    ['JSON', {}, /^\{"Error":null,"ResponseData":\{"Identification":\{"UserId":"u"\},"Result":"r","Detail":\{\}\}\}$/],
    ['XML', { accept: 'text/xml' }, /^<ResponseOfObject .*<\/Identification><Detail \/><\/ResponseData>/],
  ])('needs no body, honours a key, and has an empty Detail in %s', async (_, accept, shape) => {
    const { status, text, calls } = await ask(RUN, { headers: { ...accept, 'idempotency-key': 'k' } });
    expect(calls).toEqual([{ name: 'run', input: { id: ID }, key: 'k' }]);
    expect([status, text]).toEqual([200, expect.stringMatching(shape)]);
  });

  test.each([
    [RUN.replace(ID, 'x'), { id: ["The value 'x' is not valid for Guid."] }],
    [RUN.replace(ID, ''), { id: ['A value is required.'] }],
  ])('%s is an invalid request', async (url, ModelState) => {
    const { status, text } = await ask(url);
    expect([status, JSON.parse(text)]).toEqual([400, { Message: 'The request is invalid.', ModelState }]);
  });

  test('without an ID there is no such resource', async () => {
    const { status, text } = await ask('/api/v1/admin/tasks/account/run');
    expect([status, text]).toEqual([404, expect.stringContaining('No HTTP resource was found')]);
  });
});

describe('POST of a client', () => {
  test('adds it and shows its secret', async () => {
    const { status, text, calls } = await ask(CLIENTS, { body: CLIENT });
    const order = { Name: 'shop', Secret: 'sixteen-characters', UserID: ACCOUNT_ID };
    expect(calls).toEqual([{ name: 'createClient', input: order, key: null }]);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      {
        Error: null,
        ResponseData: {
          Identification: null,
          Result: null,
          Detail: { ID, Name: 'shop', Secret: 'sixteen-characters' },
        },
      },
    ]);
  });

  test('reports the fields that are missing as the framework does', async () => {
    const { status, text } = await ask(CLIENTS, { body: 'Name=', type: 'form' });
    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        Message: 'The request is invalid.',
        ModelState: {
          'request.Name': ['The Name field is required.'],
          'request.Secret': ['The Secret field is required.'],
          'request.UserID': ['The UserID property is required.'],
        },
      },
    ]);
  });

  test('refuses a key, since it would not keep a repetition from adding another client', async () => {
    const { status, text, calls } = await ask(CLIENTS, { body: CLIENT, headers: { 'idempotency-key': 'k' } });
    expect([status, text]).toEqual([400, expect.stringContaining('Idempotency-Key: is not supported')]);
    expect(calls).toEqual([]);
  });
});

test.each([
  ['GET', UPDATE, 405, 'PUT'],
  ['POST', `${UPDATE}/`, 405, 'PUT'],
  ['GET', RUN, 405, 'PUT, POST'],
  ['PUT', CLIENTS.toUpperCase(), 405, 'POST'],
  ['POST', `${UPDATE}/x`, 404, undefined],
  ['POST', '/api/v1/admin/client', 404, undefined],
])('%s %s is answered with %i, and Allow: %s', async (method, url, status, allow) => {
  expect(await ask(url, { method })).toMatchObject({ status, allow, calls: [] });
});
