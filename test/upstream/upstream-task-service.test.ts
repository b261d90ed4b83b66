import { describe, expect, onTestFinished, test } from 'vitest';
import type { Call, Caller } from '../../src/contract/task-service.ts';
import { expectFailure } from './expected-failure.ts';
import { type RestService, type RestServiceOptions, startRestService } from '../support/rest-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/upstream-service.ts';

describe.each(FORMATS)('a create in %s', (format) => {
  test('a create arrives as one POST and returns what the service registered', async () => {
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

  test('a create forwards the Authorization and the request ID unchanged', async () => {
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

  test('a create names its own format, and prefers it for the answer', async () => {
    const service = await openRestService();
    await openTaskService(service.url, { format }).create(SAMPLE_TASK, CALL);
    const other = format === 'json' ? 'xml' : 'json';
    expect(service.requests[0]?.headers).toMatchObject({
      'content-type': `application/${format}; charset=utf-8`,
      accept: `application/${format}, application/${other};q=0.5`,
    });
  });

  test('the Content-Length of a create counts bytes and not characters', async () => {
    const service = await openRestService();
    const Parameters = JSON.stringify('😀é'.repeat(100));
    await openTaskService(service.url, { format }).create({ ...SAMPLE_TASK, Parameters }, CALL);
    const [request] = service.requests;
    expect(Number(request?.headers['content-length'])).toBe(request?.body.length);
    expect(service.tasks[0]?.['Parameters']).toBe(Parameters);
  });
});

describe('the base address', () => {
  test.each(['', '/', '/base', '/base/', '/a/b%20c/'])(
    'the path %j of the base address prefixes the path of requests',
    async (prefix) => {
      const service = await openRestService();
      await openTaskService(new URL(`${service.url.origin}${prefix}`)).create(SAMPLE_TASK, CALL);
      const path = `${prefix.replace(/\/$/, '')}/api/v2/admin/tasks/account`;
      expect(service.requests.map((request) => request.path)).toEqual([path]);
    },
  );
});

describe('credentials', () => {
  const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false } as const;

  test.each<Caller>([
    { kind: 'forwarded', authorization: '' },
    { kind: 'account', accountId: 'a', clientId: null },
    { kind: 'subject', subject: 's' },
  ])('a call by a caller of kind $kind without an Authorization header is not sent', async (caller) => {
    const service = await openRestService();
    await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, { ...CALL, caller }), UNAUTHENTICATED);
    expect(service.requests).toEqual([]);
  });

  test('credentials may come from the gateway instead of the caller', async () => {
    const service = await openRestService();
    await openTaskService(service.url, { authorize: ownToken }).create(SAMPLE_TASK, {
      ...CALL,
      caller: { kind: 'subject', subject: 's' },
    });
    expect(service.requests[0]?.headers.authorization).toBe('Bearer for-subject');
  });

  test('credentials cannot inject another header', async () => {
    const service = await openRestService();
    const caller = { kind: 'forwarded', authorization: 'Bearer x\r\nX-Admin: 1' } as const;
    const BAD = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false } as const;
    await expectFailure(openTaskService(service.url).create(SAMPLE_TASK, { ...CALL, caller }), BAD);
    expect(service.requests).toEqual([]);
  });
});

describe('reads', () => {
  test('reads are refused with the reason, and nothing is sent, because the REST contract has no reads', async () => {
    const service = await openRestService();
    const tasks = openTaskService(service.url);
    const REFUSED = { code: 'NOT_SUPPORTED', outcome: 'NOT_SENT', retryable: false } as const;
    const { message } = await expectFailure(tasks.find([SAMPLE_TASK.TaskID], CALL), REFUSED);
    expect(message).toMatch(/offers no reads.*RECORD=on.*store mode/);
    await expectFailure(tasks.list({ first: 20, after: null }, CALL), REFUSED);
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
