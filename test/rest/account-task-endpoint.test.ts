import { describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { FAILURES, type FailureCode, type FailureKind, TaskFailure } from '../../src/contract/failure.ts';
import type { CreatedAccountTask, NewAccountTask } from '../../src/contract/account-task.ts';
import type { WriteCall, TaskService } from '../../src/contract/task-service.ts';
import { createRestEndpoint, type RestEndpointOptions } from '../../src/rest/account-task-endpoint.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { PATH, type PlainRequest } from '../support/rest-client.ts';
import { toHttpRequest, toRecord } from '../support/http-request.ts';
import { jsonText, xmlText } from '../support/request-texts.ts';

const CREATED: CreatedAccountTask = {
  accountTask: {
    ID: SAMPLE_DETAIL.ID,
    TaskID: SAMPLE_DETAIL.TaskID,
    ClientID: SAMPLE_DETAIL.ClientID,
    fields: SAMPLE_DETAIL,
    detail: SAMPLE_DETAIL,
    recordedAt: null,
  },
  Identification: { UserId: 'u' },
  Result: 'r',
  replayed: false,
};

interface Setting {
  readonly create?: (call: WriteCall) => CreatedAccountTask;
  readonly options?: Partial<RestEndpointOptions>;
}

/** Sends a request to an endpoint with the given `create`, and returns its answer and log. */
async function ask(request: PlainRequest & { readonly tooLarge?: boolean }, setting: Setting = {}) {
  const { create = () => CREATED, options = {} } = setting;
  const logged: { readonly level: string; readonly facts: object; readonly message: string }[] = [];
  const refused: string[] = [];
  const endpoint = createRestEndpoint({
    tasks: { create: async (_: NewAccountTask, call: WriteCall) => create(call) } as unknown as TaskService,
    authenticate: async () => ({ kind: 'account', accountId: 'a', clientId: null }),
    tables: { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS },
    maxBodyBytes: 1000,
    onRefused: (limit) => refused.push(limit),
    log: {
      warn: (facts, message) => logged.push({ level: 'warn', facts, message }),
      error: (facts, message) => logged.push({ level: 'error', facts, message }),
    },
    ...options,
  });
  const headers: Record<string, string> = { 'content-type': 'application/json', ...request.headers };
  const body = request.tooLarge ? 'x'.repeat(1001) : (request.body ?? jsonText());
  const answer = await endpoint(
    toHttpRequest({ method: request.method ?? 'POST', url: request.path ?? PATH, headers, body: body.toString() }),
    toRecord('request-1'),
  );
  const { status, headers: answerHeaders } = answer;
  return { status, headers: answerHeaders, text: Buffer.from(answer.body ?? '').toString(), logged, refused };
}

const failing = (code: FailureCode): Setting => ({
  create: () => {
    throw new TaskFailure({ code, outcome: 'NOT_SENT' } as FailureKind, 'The "reason".', { cause: new Error('cause') });
  },
});
const denying: Setting = {
  options: {
    authenticate: async () => {
      throw new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, 'no');
    },
  },
};

describe('a created task', () => {
  const inDates = {
    ...SAMPLE_DETAIL,
    StartDate: '2026-02-22T04:10:00.9500000+05:30',
    FinishDate: '2026-02-22T04:10:00.0000000Z',
  };
  const detail = { ...inDates, DateCreated: '2026-02-20T04:10:00Z', LastRunOn: null, LastRunBy: null };
  const create = () => ({ ...CREATED, accountTask: { ...CREATED.accountTask, fields: detail, detail } });

  test('in JSON has explicit nulls, and dates without trailing zeros in their fraction', async () => {
    const { text } = await ask({}, { create });
    expect(text).toBe(
      '{"Error":null,"ResponseData":{"Identification":{"UserId":"u"},"Result":"r","Detail":' +
        JSON.stringify({
          ...detail,
          StartDate: '2026-02-22T04:10:00.95+05:30',
          FinishDate: '2026-02-22T04:10:00Z',
        }) +
        '}}',
    );
  });

  test('in XML has Result first, nil dates, and no element for a null text', async () => {
    const { text } = await ask({ headers: { accept: 'application/xml' } }, { create });
    expect(text).toMatch(
      /^<ResponseOfAccountTaskResponse xmlns:xsd="http:\/\/www\.w3\.org\/2001\/XMLSchema" xmlns:xsi="http:\/\/www\.w3\.org\/2001\/XMLSchema-instance"><ResponseData><Result>r<\/Result><Identification><UserId>u<\/UserId><\/Identification><Detail><ID>/,
    );
    expect(text).toContain('<StartDate>2026-02-22T04:10:00.95+05:30</StartDate><FinishDate>2026-02-22T04:10:00Z<');
    expect(text).toContain('<LastRunOn xsi:nil="true" /><LastModifiedBy>');
    expect(text).not.toContain('LastRunBy');
  });

  test('with a name that XML cannot carry has the character replaced in XML', async () => {
    const named = { ...SAMPLE_DETAIL, Name: 'a\u0001b' };
    const { text } = await ask(
      { headers: { accept: 'text/xml' } },
      { create: () => ({ ...CREATED, accountTask: { ...CREATED.accountTask, detail: named } }) },
    );
    expect(text).toContain('<Name>a\uFFFDb</Name>');
  });
});

describe('a failure', () => {
  test.each(FAILURES.filter(({ code }) => code !== 'UNAUTHENTICATED'))(
    '$code is an envelope with the status $restStatus',
    async ({ code, restStatus }) => {
      const { status, headers, text, logged } = await ask({}, failing(code));
      expect(status).toBe(restStatus);
      expect(headers).toEqual({
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
      });
      expect(JSON.parse(text)).toEqual({
        Error: { ErrorCode: code, ErrorReason: 'The "reason".' },
        ResponseData: null,
      });
      expect(logged).toMatchObject([
        { level: 'warn', facts: { requestId: 'request-1', code }, message: 'The "reason".' },
      ]);
    },
  );

  test('is in XML for a caller that accepts XML', async () => {
    const { text } = await ask({ headers: { accept: 'application/xml' } }, failing('CLIENT_REQUIRED'));
    expect(text).toContain(
      '<Error><ErrorCode>CLIENT_REQUIRED</ErrorCode><ErrorReason>The "reason".</ErrorReason></Error></Resp',
    );
  });

  test('of credentials gets the 401 of Web API 2 instead', async () => {
    const { status, headers, text } = await ask({}, failing('UNAUTHENTICATED'));
    expect(status).toBe(401);
    expect(headers['WWW-Authenticate']).toBe('Bearer');
    expect(text).toBe('{"Message":"Authorization has been denied for this request."}');
  });

  test('that is unexpected gets the 500 of Web API 2, without details, and is logged with the request id', async () => {
    const error = new TypeError('secret');
    const setting = {
      create: () => {
        throw error;
      },
    };
    const { status, text, logged } = await ask({ headers: { accept: 'text/xml' } }, setting);
    expect([status, text]).toEqual([500, '<Error><Message>An error has occurred.</Message></Error>']);
    expect(logged).toEqual([
      { level: 'error', facts: { requestId: 'request-1', err: error }, message: 'unexpected error' },
    ]);
  });
});

describe('a request', () => {
  test('has its credentials checked before its body', async () => {
    for (const request of [
      { body: '' },
      { body: '{' },
      { headers: { 'content-type': 'text/plain' } },
      { tooLarge: true },
    ]) {
      expect((await ask(request, denying)).status).toBe(401);
    }
    expect((await ask({ method: 'PUT' }, denying)).status).toBe(405);
    expect((await ask({ path: '/api/x' }, denying)).status).toBe(404);
  });

  test('passes on its Authorization, id and Idempotency-Key', async () => {
    const seen: unknown[] = [];
    const setting: Setting = {
      create: (call) => {
        seen.push(call);
        return CREATED;
      },
      options: {
        authenticate: async (authorization) => ({ kind: 'forwarded', authorization: String(authorization) }),
      },
    };
    await ask({ headers: { authorization: 'Bearer x', 'idempotency-key': 'k' } }, setting);
    await ask({}, setting);
    expect(seen).toEqual([
      {
        caller: { kind: 'forwarded', authorization: 'Bearer x' },
        requestId: 'request-1',
        idempotencyKey: 'k',
      },
      { caller: { kind: 'forwarded', authorization: 'null' }, requestId: 'request-1', idempotencyKey: null },
    ]);
  });

  test('may have a query', async () => {
    expect((await ask({ path: `${PATH}/?a=1` })).status).toBe(200);
    expect((await ask({ path: `${PATH}s` })).status).toBe(404);
    expect((await ask({ path: `${PATH}//` })).status).toBe(404);
  });

  test('with too many form fields is refused and counted', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, text, refused } = await ask(
      { headers, body: 'a&'.repeat(1000) },
      { options: { maxBodyBytes: 10_000 } },
    );
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      Error: { ErrorCode: 'BAD_USER_INPUT', ErrorReason: 'the request: has more than 1000 form fields' },
    });
    expect(refused).toEqual(['form_fields']);
  });

  test('that is too large gets 413', async () => {
    const { status, text } = await ask({ tooLarge: true });
    expect([status, text]).toEqual([413, `{"Message":"The request's body is larger than 1000 bytes."}`]);
  });

  test('with Parameters that an XML answer could not carry is refused before a task is created', async () => {
    const body = jsonText({ Parameters: JSON.stringify('"\uFFFE"') });
    let created = 0;
    const create = () => {
      created += 1;
      return CREATED;
    };
    const { status, text } = await ask({ body, headers: { accept: 'application/xml' } }, { create });
    expect([status, created]).toEqual([400, 0]);
    expect(text).toContain('Parameters: contains U+FFFE, which XML 1.0 cannot carry; accept application/json instead');
    expect((await ask({ body }, { create })).status).toBe(200);
  });

  test('with several problems gets all of them reported', async () => {
    const { text } = await ask({ body: jsonText({ Frequency: '7', ContentType: '"text/plain"' }) });
    expect(text).toContain('Frequency: is not one of NONE (0), HOURLY');
    expect(text).toContain('; ContentType: is neither application/json nor application/xml"');
  });

  test('in XML with wrong names gets no more details than Web API 2 reveals', async () => {
    const { text } = await ask({ headers: { 'content-type': 'text/xml' }, body: xmlText().replaceAll('Account', 'A') });
    expect(text).toBe(
      '<Error><Message>The request is invalid.</Message><ModelState><request>An error has occurred.</request></ModelState></Error>',
    );
  });
});
