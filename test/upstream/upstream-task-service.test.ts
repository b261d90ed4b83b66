import { describe, expect, onTestFinished, test } from 'vitest';
import type { Call, Caller } from '../../src/contract/task-service.ts';
import { expectFailure } from './expected-failure.ts';
import { type RestService, type RestServiceOptions, startRestService } from '../support/rest-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/sample-task.ts';

describe.each(FORMATS)('a create in %s', (format) => {
  test('arrives as one POST and gives back what the service registered', async () => {
    const service = await openRestService();
    const created = await openTaskService(service.url, { format }).create(SAMPLE_TASK, CALL);
    expect(service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v2/admin/tasks/account',
    ]);
    const { ID, ...registered } = service.tasks[0] ?? {};
    expect(registered).toMatchObject({ ...SAMPLE_TASK });
    expect(created.accountTask.ID).toBe(ID);
    expect(created.accountTask.fields).toMatchObject(registered);
    expect(created).toMatchObject({ Identification: { UserId: 'user-1' }, Result: 'Created', replayed: false });
  });

  test('passes the Authorization and the request id on as they are', async () => {
    const service = await openRestService();
    const authorization = 'Negotiate  a\u00e9\t=="x", realm=\u00ff';
    await openTaskService(service.url, { format }).create(SAMPLE_TASK, {
      ...CALL,
      caller: { kind: 'forwarded', authorization },
    });
    expect(service.requests[0]?.headers).toMatchObject({
      authorization,
      'x-request-id': CALL.requestId,
      'user-agent': 'account-task-gateway',
      'accept-encoding': 'identity',
    });
  });

  test('names its own format and prefers its answer in it', async () => {
    const service = await openRestService();
    await openTaskService(service.url, { format }).create(SAMPLE_TASK, CALL);
    const other = format === 'json' ? 'xml' : 'json';
    expect(service.requests[0]?.headers).toMatchObject({
      'content-type': `application/${format}; charset=utf-8`,
      accept: `application/${format}, application/${other};q=0.5`,
    });
  });

  test('counts its bytes and not its characters', async () => {
    const service = await openRestService();
    const Parameters = JSON.stringify('😀é'.repeat(100));
    await openTaskService(service.url, { format }).create({ ...SAMPLE_TASK, Parameters }, CALL);
    const [request] = service.requests;
    expect(Number(request?.headers['content-length'])).toBe(request?.body.length);
    expect(service.tasks[0]?.['Parameters']).toBe(Parameters);
  });
});

describe('the base address', () => {
  test.each(['', '/', '/base', '/base/', '/a/b%20c/'])('%j prefixes the path', async (prefix) => {
    const service = await openRestService();
    await openTaskService(new URL(`${service.url.origin}${prefix}`)).create(SAMPLE_TASK, CALL);
    const path = `${prefix.replace(/\/$/, '')}/api/v2/admin/tasks/account`;
    expect(service.requests.map((request) => request.path)).toEqual([path]);
  });
});

describe('credentials', () => {
  const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false } as const;

  test.each<Caller>([
    { kind: 'forwarded', authorization: '' },
    { kind: 'account', accountId: 'a', clientId: null },
    { kind: 'subject', subject: 's' },
  ])('without an Authorization of its own ($kind) a call is not sent', async (caller) => {
    const service = await openRestService();
    await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, { ...CALL, caller }), UNAUTHENTICATED);
    expect(service.requests).toEqual([]);
  });

  test('may come from the gateway instead of the caller', async () => {
    const service = await openRestService();
    await openTaskService(service.url, { authorize: ownToken }).create(SAMPLE_TASK, {
      ...CALL,
      caller: { kind: 'subject', subject: 's' },
    });
    expect(service.requests[0]?.headers.authorization).toBe('Bearer for-subject');
  });

  test('cannot smuggle another header in', async () => {
    const service = await openRestService();
    const caller = { kind: 'forwarded', authorization: 'Bearer x\r\nX-Admin: 1' } as const;
    const BAD = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false } as const;
    await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, { ...CALL, caller }), BAD);
    expect(service.requests).toEqual([]);
  });
});

describe('reads', () => {
  test('are refused with the reason and nothing is sent: the REST contract has none', async () => {
    const service = await openRestService();
    const tasks = openTaskService(service.url);
    const BAD = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false } as const;
    const { message } = await expectFailure(tasks.find([SAMPLE_TASK.TaskID], CALL), BAD);
    expect(message).toMatch(/offers no reads.*RECORD=on.*store mode/);
    await expectFailure(tasks.list({ first: 20, after: null }, CALL), BAD);
    expect(service.requests).toEqual([]);
  });
});

async function ownToken({ caller: { kind } }: Call): Promise<string> {
  return `Bearer for-${kind}`;
}

async function openRestService(options?: RestServiceOptions): Promise<RestService> {
  const service = await startRestService(options);
  onTestFinished(() => service.close());
  return service;
}
