import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Answer, type Handler, jsonAnswer, RequestRefusal } from '../../src/http/answer.ts';
import { createBodyBudget } from '../../src/http/body-budget.ts';
import { createAddressLimit, createClientAddresses } from '../../src/http/client-address.ts';
import { createFetchHandler } from '../../src/http/fetch-adapter.ts';
import { createBodyReader } from '../../src/http/request-body.ts';
import { createCors, createRequestHandler, type RequestHandler } from '../../src/http/request-handler.ts';
import { createGatewayServer } from '../../src/http/server.ts';
import { createMetrics, type Limit } from '../../src/telemetry/metrics.ts';
import { createRequestObservation } from '../../src/telemetry/request-record.ts';

const ORIGIN = 'https://app.example';
/** The headers that Node's server adds for its connection. */
const OF_CONNECTION = new Set(['connection', 'date', 'keep-alive']);

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
}

interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const none: Handler = async () => jsonAnswer(404, {});
const streamed = (text: string) => new Blob([text]).stream();

type Send = (request: Request) => Promise<Response>;

const readBody = createBodyReader({ budget: createBodyBudget({ maxBytes: 100_000 }), toAddress: () => '' });

/** The ways in which a request reaches the handler. */
const ADAPTERS: Readonly<Record<string, (handle: RequestHandler) => Promise<Send>>> = {
  async 'the adapter for node:http'(handle) {
    const metrics = createMetrics();
    const server = createGatewayServer({ handle, readBody, metrics, addressLimit: null });
    const url = await server.listen('127.0.0.1', 0);
    onTestFinished(async () => void (await server.close(0)));
    return (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(new Request(new URL(pathname + search, url), request));
    };
  },
  async 'the adapter for Fetch'(handle) {
    const answer = createFetchHandler({ handle, readBody });
    return (request) => answer(request, { remoteAddress: '127.0.0.1' });
  },
};

describe.each(Object.entries(ADAPTERS))('%s', (_name, start) => {
  let handlers: { graphql: Handler; other: Handler };
  let refused: Limit[];
  let observed: unknown[];

  beforeEach(() => {
    refused = [];
    observed = [];
    handlers = { graphql: none, other: none };
  });

  /** Opens the adapter over a handler of all requests; returns a function that sends requests to it. */
  async function open() {
    const metrics = createMetrics();
    const countRefusal = (limit: Limit): undefined => void refused.push(limit);
    const handle = createRequestHandler({
      handlers,
      cors: createCors({ origins: [ORIGIN], onRefused: () => countRefusal('cors_headers'), onForbidden: () => {} }),
      addressLimit: createAddressLimit({
        max: 1,
        addresses: createClientAddresses(['127.0.0.1']),
        onRefused: countRefusal,
      }),
      observation: createRequestObservation({
        metrics: metrics.requests,
        requestLog: ({ path, code }, { status, isAborted }) => observed.push({ path, code, status, isAborted }),
        tracing: null,
      }),
      onEnd: () => undefined,
      metrics: { countRefusal },
      log: { warn: () => undefined, error: (facts) => observed.push(facts) },
    });
    const send = await start(handle);
    return async ({ path = '/', method = 'POST', headers = {}, body }: Asked = {}): Promise<Received> => {
      const init = {
        method,
        headers: { accept: '*/*', 'x-request-id': 'r-1', ...headers },
        body: body ?? null,
        duplex: 'half',
      };
      const response = await send(new Request(new URL(path, 'http://gateway'), init));
      const received = [...response.headers].filter(([name]) => !OF_CONNECTION.has(name));
      return { status: response.status, headers: Object.fromEntries(received), text: await response.text() };
    };
  }

  function failWith(failure: Error): void {
    const failing: Handler = () => Promise.reject(failure);
    handlers = { graphql: failing, other: failing };
  }

  function answerWith(answer: Answer): void {
    handlers = { graphql: async () => answer, other: async () => answer };
  }

  test('gives the handler the method, the path with its query, the headers and the peer of a request', async () => {
    handlers.other = async ({ method, url, headers, rawHeaders, remoteAddress }) =>
      jsonAnswer(200, { method, url, header: headers['x-a'], isRaw: rawHeaders.includes('b, c'), remoteAddress });
    const ask = await open();
    const { text } = await ask({ path: '/a?b=%20c', method: 'PUT', headers: { 'X-A': 'b, c' } });
    expect(JSON.parse(text)).toEqual({
      method: 'PUT',
      url: '/a?b=%20c',
      header: 'b, c',
      isRaw: true,
      remoteAddress: '127.0.0.1',
    });
  });

  test('sends the status, the headers and the text of an answer, with its length and the ID of the request', async () => {
    answerWith({ status: 418, headers: { 'Content-Type': 'text/x', 'X-A': 'b' }, body: 'é' });
    const ask = await open();
    expect(await ask()).toEqual({
      status: 418,
      headers: { 'content-type': 'text/x', 'x-a': 'b', 'content-length': '2', 'x-request-id': 'r-1' },
      text: 'é',
    });
    expect(observed).toEqual([{ path: 'home', code: null, status: 418, isAborted: false }]);
  });

  test('sends bytes as they are', async () => {
    answerWith({ status: 200, headers: {}, body: Buffer.from('bytes') });
    const ask = await open();
    expect(await ask()).toMatchObject({ headers: { 'content-length': '5' }, text: 'bytes' });
  });

  test('answers HEAD with the headers only', async () => {
    answerWith(jsonAnswer(200, { a: 'b' }));
    const ask = await open();
    expect(await ask({ method: 'HEAD' })).toMatchObject({ status: 200, headers: { 'content-length': '9' }, text: '' });
  });

  test.each([
    [304, null],
    [204, ''],
  ])('answers with status %i without a body', async (status, body) => {
    answerWith({ status, headers: { ETag: '"a"' }, body });
    const ask = await open();
    expect(await ask()).toMatchObject({ status, headers: { etag: '"a"' }, text: '' });
  });

  test.each(['a b', 'x'.repeat(129), ''])('gives a request a new ID if its own is "%s"', async (id) => {
    const ask = await open();
    expect((await ask({ headers: { 'x-request-id': id } })).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  describe('of a request with a body', () => {
    beforeEach(() => {
      handlers.other = async (request) => {
        const body = await request.readBody(10);
        if (body === null) throw new RequestRefusal('Too large.', { status: 413, code: 'X', limit: 'body_bytes' });
        return { status: 200, headers: {}, body };
      };
    });

    test.each<readonly [string, string, Asked['body']]>([
      ['a text', 'body é', 'body é'],
      ['bytes', 'bytes', Buffer.from('bytes')],
      ['a stream', 'streamed', streamed('streamed')],
      ['none', '', undefined],
    ])('reads it: %s', async (_what, text, body) => {
      const ask = await open();
      expect(await ask({ ...(body !== undefined && { body }) })).toMatchObject({ status: 200, text });
    });

    test.each([
      ['known', () => 'x'.repeat(11)],
      ['unknown', () => streamed('x'.repeat(11))],
    ])('refuses a larger one of %s length, and counts the refusal', async (_what, body) => {
      const ask = await open();
      const { status, text } = await ask({ body: body() });
      expect([status, JSON.parse(text)]).toEqual([
        413,
        {
          errors: [
            {
              message: 'Too large.',
              extensions: { code: 'X', outcome: 'NOT_SENT', retryable: false, requestId: 'r-1' },
            },
          ],
        },
      ]);
      expect(refused).toEqual(['body_bytes']);
      expect(observed).toEqual([{ path: 'home', code: 'X', status: 413, isAborted: false }]);
    });

    test('answers without reading it if the handler does not', async () => {
      answerWith(jsonAnswer(200, {}));
      const ask = await open();
      expect((await ask({ body: streamed('x'.repeat(1_000)) })).status).toBe(200);
    });
  });

  test('refuses headers that it does not support before the handler is called', async () => {
    failWith(new Error('called'));
    const ask = await open();
    const { status, headers } = await ask({ headers: { 'content-encoding': 'gzip' }, body: 'x' });
    expect([status, headers['accept-encoding']]).toEqual([415, 'identity']);
  });

  test.each([
    ['/', 500, 'UNKNOWN', { errors: [{ extensions: { outcome: 'NOT_SENT' } }] }],
    ['/graphql', 200, 'UNKNOWN', { errors: [{ extensions: { outcome: 'UNKNOWN' } }], data: null }],
  ])('hides an unexpected error at %s', async (path, status, _outcome, body) => {
    failWith(new Error('secret'));
    const ask = await open();
    const answer = await ask({ path });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject(body);
    expect(answer.text).not.toContain('secret');
    expect(observed).toMatchObject([{ requestId: 'r-1' }, { code: 'INTERNAL_SERVER_ERROR', status }]);
  });

  test('answers with an unexpected error if a header of the answer is invalid', async () => {
    answerWith({ status: 200, headers: { 'X-A': 'b\nc' }, body: '' });
    const ask = await open();
    expect(await ask()).toMatchObject({
      status: 500,
      text: expect.stringContaining('INTERNAL_SERVER_ERROR') as string,
    });
  });

  test('answers a preflight of a listed origin without calling the handler', async () => {
    failWith(new Error('called'));
    const ask = await open();
    const headers = { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'a' };
    const answer = await ask({ path: '/graphql', method: 'OPTIONS', headers });
    expect(answer).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': ORIGIN, 'access-control-allow-headers': 'a', vary: 'Origin' },
      text: '',
    });
  });

  test('lets a listed origin read an error at /graphql only', async () => {
    failWith(new RequestRefusal('No.', { status: 400, code: 'X' }));
    const ask = await open();
    const headers = { origin: ORIGIN };
    expect((await ask({ path: '/graphql', headers })).headers['access-control-allow-origin']).toBe(ORIGIN);
    expect((await ask({ headers })).headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('limits the requests that one address has in flight', async () => {
    const arrived = Promise.withResolvers<void>();
    const held = Promise.withResolvers<Answer>();
    handlers.other = () => {
      arrived.resolve();
      return held.promise;
    };
    const ask = await open();
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    const first = ask({ headers });
    await arrived.promise;
    expect((await ask({ headers })).status).toBe(429);
    expect(refused).toEqual(['address_requests']);
    held.resolve(jsonAnswer(200, {}));
    expect((await first).status).toBe(200);
    expect((await ask({ headers })).status).toBe(200);
  });
});
