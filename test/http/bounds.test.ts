import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { errorAnswer, type Handler, jsonAnswer } from '../../src/http/answer.ts';
import { type BodyPace, createBodyBudget } from '../../src/http/body-budget.ts';
import { createLog, NO_LOG_SINK } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { HttpBounds } from '../../src/http/bounds.ts';
import { createBodyReader } from '../../src/http/request-body.ts';
import { createRequestObservation, type RequestLog } from '../../src/telemetry/request-record.ts';
import { createRequestHandler } from '../../src/http/request-handler.ts';
import { createGatewayServer } from '../../src/http/server.ts';
import { createGraphqlHandler } from '../../src/graphql/graphql-handler.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers, toRequestText } from '../support/raw-connection.ts';

const SOON = { headersMs: 200, requestMs: 400, checkMs: 20, answerMs: 200 } as const;
/** Larger than the buffers of two sockets. */
const LONG_ANSWER = 'x'.repeat(64 * 1024 * 1024);

const notFound: Handler = async (_, { requestId }) =>
  errorAnswer(404, 'Nothing.', { code: 'BAD_USER_INPUT', requestId });
const fine: Handler = async () => jsonAnswer(200, {});

/** Starts a gateway server whose endpoint answers everything and records the bodies it gets. */
async function startServer(
  bounds: Partial<HttpBounds> = {},
  answer: string | ((body: string) => Promise<string>) = '{"data":{}}',
  onAnswered: RequestLog = () => undefined,
  pace?: BodyPace,
) {
  const asked: string[] = [];
  const metrics = createMetrics();
  const readBody = createBodyReader({
    budget: createBodyBudget({ maxBytes: 1_000_000, ...(pace && { pace }) }),
    toAddress: () => '',
  });
  const graphql = createGraphqlHandler({
    graphql: {
      async answer(_request, _head, body) {
        const text = body.toString();
        asked.push(text);
        return {
          status: 200,
          headers: { 'Content-Type': 'application/json' },
          text: typeof answer === 'string' ? answer : await answer(text),
        };
      },
    },
    graphiql: null,
    authenticate: () => ({ kind: 'subject', subject: 'test' }),
    maxBodyBytes: 1000,
    maxAnonymousBodyBytes: 1000,
    simpleGets: false,
  });
  const handle = createRequestHandler({
    handlers: { graphql, health: fine, ready: fine, metrics: fine, other: notFound },
    cors: null,
    onEnd: () => undefined,
    observation: createRequestObservation({
      metrics: metrics.requests,
      requestLog: onAnswered,
      tracing: null,
    }),
    addressLimit: null,
    metrics,
    log: createLog('silent', NO_LOG_SINK),
  });
  const server = createGatewayServer({ handle, readBody, metrics, addressLimit: null, bounds });
  const url = await server.listen('127.0.0.1', 0);
  let closing: Promise<number> | undefined;
  const close = () => (closing ??= server.close(60_000));
  onTestFinished(async () => void (await close()));
  return { url, asked, close };
}

const HEAD = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json'];
const WHOLE = toRequestText([...HEAD, 'Content-Length: 2'], '{}');

function expectError(text: string, status: number, problem: string): void {
  const [answer] = parseAnswers(text);
  expect(answer?.status).toBe(status);
  expect(answer?.headers.get('content-type')).toBe('application/json; charset=utf-8');
  const { errors } = JSON.parse(answer?.body ?? '') as { errors: { message: string; extensions: object }[] };
  expect(errors).toEqual([
    {
      message: expect.stringContaining(problem),
      extensions: {
        code: 'BAD_REQUEST',
        outcome: 'NOT_SENT',
        retryable: false,
        requestId: answer?.headers.get('x-request-id'),
      },
    },
  ]);
}

describe('a slow caller', () => {
  test.each([
    ['says nothing at all', ''],
    ['stops within the first line', 'POST /gra'],
    ['stops within its headers', 'POST /graphql HTTP/1.1\r\nHost: x\r\nX-'],
    ['stops before its body', toRequestText([...HEAD, 'Content-Length: 20'])],
    ['stops within its body', toRequestText([...HEAD, 'Content-Length: 20'], '{"query"')],
    ['stops within a chunk', toRequestText([...HEAD, 'Transfer-Encoding: chunked'], '14\r\n{"query"')],
    ['stops between chunks', toRequestText([...HEAD, 'Transfer-Encoding: chunked'], '2\r\n{}\r\n')],
  ])('that %s is answered with 408 and disconnected', async (_what, bytes) => {
    const { url, asked } = await startServer(SOON);
    const { closed } = openRaw(url, bytes);
    expectError(await closed, 408, 'took too long');
    expect(asked).toEqual([]);
  });

  test.each([
    [
      'headers',
      [toRequestText(['POST /graphql HTTP/1.1', 'Host: x']).slice(0, -2), ...Array<string>(1000).fill('X: y\r\n')],
    ],
    ['body', [toRequestText([...HEAD, 'Content-Length: 900']), ...Array<string>(900).fill('x')]],
  ])('that sends its %s bit by bit is disconnected, too', async (_what, [start, ...drops]) => {
    const { url, asked } = await startServer(SOON);
    const { write, closed } = openRaw(url, start);
    const dripping = setInterval(() => write(drops.pop() ?? ''), 10);
    onTestFinished(() => clearInterval(dripping));
    expect(await closed).toMatch(/^HTTP\/1\.1 408 |^$/);
    expect(asked).toEqual([]);
  });

  test('whose body arrives too slowly is disconnected long before the request times out', async () => {
    const pace = { minBytes: 100, intervalMs: 20, stalledMs: 60_000 };
    const { url, asked } = await startServer({}, '{}', () => undefined, pace);
    const { closed } = openRaw(url, toRequestText([...HEAD, 'Content-Length: 200'], '{'));
    expectError(await closed, 408, "request's body took too long");
    expect(asked).toEqual([]);
  });

  test('of a second request still gets its first answer', async () => {
    const { url, asked } = await startServer({ headersMs: 1_500, checkMs: 20 });
    const { closed, received, write } = openRaw(url, WHOLE);
    await received(/\{"data":\{\}\}$/);
    write('POST /graphql HTTP/1.1\r\nHo');
    const [first, second, ...others] = parseAnswers(await closed);
    expect(first).toMatchObject({ status: 200, body: '{"data":{}}' });
    expect(second?.status).toBe(408);
    expect(others).toEqual([]);
    expect(asked).toEqual(['{}']);
  });

  test('of a second request gets no answer that could be mistaken for that of its running first one', async () => {
    const { url, asked } = await startServer(SOON, () => new Promise(() => {}));
    const { closed } = openRaw(url, WHOLE + toRequestText([...HEAD, 'Content-Length: 20'], '{"query"'));
    expect(await closed).toBe('');
    expect(asked).toEqual(['{}']);
  });

  test('that does not read its answer is disconnected, so that it does not block a close', async () => {
    const { url, close } = await startServer(SOON, LONG_ANSWER);
    const { socket, received } = openRaw(url, WHOLE);
    await received(/^HTTP\/1\.1 200 /);
    socket.pause();
    // Resolves once no connection is left.
    await close();
    expect(socket.bytesRead).toBeLessThan(LONG_ANSWER.length);
  });

  test('that does not read an answer written out of order is disconnected, too', async () => {
    const answered = Promise.withResolvers<void>();
    const answer = async (body: string): Promise<string> => {
      if (body === '{}') return LONG_ANSWER;
      await answered.promise;
      return '{"data":{}}';
    };
    const { url, close } = await startServer(SOON, answer, () => answered.resolve());
    const first = toRequestText([...HEAD, 'Content-Length: 7'], '{"a":1}');
    const { socket, received } = openRaw(url, first + WHOLE);
    await received(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 200 /);
    socket.pause();
    await close();
    expect(socket.bytesRead).toBeLessThan(LONG_ANSWER.length);
  });

  test('that reads a long answer bit by bit gets all of it', async () => {
    const { url } = await startServer({ checkMs: 20, answerMs: 5_000 }, LONG_ANSWER);
    const { port, hostname } = url;
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject).on('close', () => reject(new Error(`It ended after ${socket.bytesRead} bytes.`)));
      socket.on('data', () => {
        if (socket.bytesRead > LONG_ANSWER.length) return resolve();
        socket.pause();
        setImmediate(() => socket.resume());
      });
      socket.write(WHOLE);
    });
    expect(socket.bytesRead).toBeGreaterThan(LONG_ANSWER.length);
  });
});

describe('a caller that sends too much', () => {
  test.each([
    ['one long header', toRequestText([...HEAD, `X-Long: ${'x'.repeat(17_000)}`, 'Content-Length: 2'], '{}')],
    ['a long target', toRequestText([`GET /graphql?query=${'x'.repeat(17_000)} HTTP/1.1`, 'Host: x'])],
    ['many long headers', toRequestText([...HEAD, ...Array<string>(50).fill(`X: ${'x'.repeat(400)}`)])],
  ])('%s is answered with 431', async (_what, bytes) => {
    const { url, asked } = await startServer();
    expectError(await openRaw(url, bytes).closed, 431, 'headers are too large');
    expect(asked).toEqual([]);
  });

  test('may send a hundred headers, but not one more', async () => {
    const { url, asked } = await startServer();
    const withHeaders = (count: number) =>
      toRequestText(
        [...HEAD, ...Array.from({ length: count - 3 }, (_, index) => `X-${index}: y`), 'Content-Length: 2'],
        '{}',
      );
    expect(await openRaw(url, withHeaders(100)).received(/\}$/)).toMatch(/^HTTP\/1\.1 200 /);
    for (const count of [101, 1000])
      expectError(await openRaw(url, withHeaders(count)).received(/\]\}$/), 431, 'more than 100 headers');
    expect(asked).toEqual(['{}']);
  });

  test.each([
    ['/graphql', 413],
    ['/health', 200],
    ['/ready', 200],
    ['/metrics', 200],
    ['/nowhere', 404],
  ])('gets an answer without its endless body being read: %s', async (path, status) => {
    const { url, asked } = await startServer();
    const { write, received } = openRaw(
      url,
      toRequestText([
        `POST ${path} HTTP/1.1`,
        'Host: x',
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
      ]),
    );
    for (let chunks = 0; chunks < 50; chunks += 1) write(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    const [answer] = parseAnswers(await received(/\r\n\r\n./));
    expect(answer?.status).toBe(status);
    expect(asked).toEqual([]);
    expect((await fetch(new URL('health', url))).status).toBe(200);
  });

  test('gets the answer even if it is still sending when its connection ends', async () => {
    const { url } = await startServer();
    const { socket, write, closed } = openRaw(url, toRequestText([...HEAD, 'Host: y', 'Transfer-Encoding: chunked']));
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    for (let chunks = 0; chunks < 200; chunks += 1) write(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    expectError(await closed, 400, 'Host header is sent more than once');
    expect(errors).toEqual([]);
  });

  test('is disconnected for connections beyond the limit, while those within it are served', async () => {
    const { url } = await startServer({ maxConnections: 2 });
    const first = openRaw(url, WHOLE);
    const second = openRaw(url, WHOLE);
    await Promise.all([first.received(/\}$/), second.received(/\}$/)]);
    expect(await openRaw(url, WHOLE).closed).toBe('');
    first.write(WHOLE);
    expect(parseAnswers(await first.received(/\}HTTP.*\}$/s))).toHaveLength(2);
  });
});

test('a request that is refused early gets no second answer if its rest is malformed', async () => {
  const gateway = await startStoreGateway();
  onTestFinished(() => gateway.close());
  const head = ['POST /graphql HTTP/1.1', 'Host: gateway', 'Content-Type: application/json'];
  const caller = openRaw(
    gateway.url,
    toRequestText([...head, 'Transfer-Encoding: chunked'], `11170\r\n${' '.repeat(70_000)}\r\n`),
  );
  await caller.received(/^HTTP\/1\.1 413 .*\r\n\r\n\{.*\}$/s);
  caller.write('zz\r\n');
  expect(parseAnswers(await caller.closed).map(({ status }) => status)).toEqual([413]);
});

test.each(['/health', '/nothing'])(
  'an answer of %s that the caller received is not logged as aborted',
  async (path) => {
    const logged: unknown[] = [];
    const { url } = await startServer({}, '', (record, { isAborted }) => void logged.push([record.path, isAborted]));
    await (await fetch(new URL(path, url))).text();
    await (await fetch(new URL(path, url), { headers: { Connection: 'close' } })).text();
    await expect.poll(() => logged.length).toBe(2);
    expect(new Set(logged.map((line) => JSON.stringify(line)))).toEqual(
      new Set([JSON.stringify([path === '/health' ? 'health' : 'other', false])]),
    );
  },
);
