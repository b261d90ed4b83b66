import type { Socket } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import type { FailureKind } from '../../src/contract/failure.ts';
import type { Caller } from '../../src/contract/task-service.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { DATA, ERRORS, ID, REASON, toEnvelope } from '../support/envelope-text.ts';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { createRetryingFetcher } from './support/retrying-fetcher.ts';
import { CREATE_WITH_KEY, startRouter } from './support/router.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const CREATED = httpAnswer(200, toEnvelope('json', ERRORS.null, DATA.whole));
const REFUSED = toEnvelope('json', ERRORS.set, DATA.absent);
const RETRY_AFTER = ['Retry-After: 1'];

/** Starts a retrying router in front of a gateway in front of a service whose answer each test sets. */
async function startStack(timeoutMs: number) {
  let answer: RawAnswer = (socket) => socket.write(CREATED);
  const service = await startRawService((...request) => answer(...request));
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.url.href, UPSTREAM_TIMEOUT_MS: String(timeoutMs), DATABASE_URL: 'sqlite::memory:' },
  });
  const { fetcher, takeAttempts } = createRetryingFetcher();
  const router = await startRouter(new URL('graphql', gateway.url), fetcher);
  afterAll(() => Promise.all([router.close(), gateway.close(), service.close()]));
  return {
    /** Returns the answer to the client when the service answers so, and the number of requests at each hop. */
    async play(next: RawAnswer) {
      answer = next;
      const before = service.posts.length;
      const { status, json } = await router.create();
      return { status, json, attempts: takeAttempts(), posts: service.posts.length - before };
    },
  };
}

const answering =
  (status: number, body: string, headers: readonly string[] = []): RawAnswer =>
  (socket) =>
    socket.write(httpAnswer(status, body, headers));

const FAILED = { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' } as const;
const LOST = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' } as const;
const UNREADABLE = { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN' } as const;
const ENVELOPE = { errorCode: 'E17', errorReason: REASON };

const ANSWERS: readonly (readonly [string, FailureKind & Partial<typeof ENVELOPE>, RawAnswer])[] = [
  ['500', FAILED, answering(500, '{"Message":"An error has occurred."}')],
  ['500 with an envelope', { ...FAILED, ...ENVELOPE }, answering(500, REFUSED)],
  ['502 with a page', FAILED, answering(502, '<html><body>Bad gateway</body></html>')],
  ['503 with Retry-After', FAILED, answering(503, '', RETRY_AFTER)],
  ['504', FAILED, answering(504, '')],
  ['429 with Retry-After', { code: 'OVERLOADED', outcome: 'REJECTED' }, answering(429, '', RETRY_AFTER)],
  ['400 with an envelope', { code: 'TASK_REJECTED', outcome: 'REJECTED', ...ENVELOPE }, answering(400, REFUSED)],
  [
    '200 with an error in the envelope',
    { code: 'TASK_REJECTED', outcome: 'REJECTED', ...ENVELOPE },
    answering(200, REFUSED),
  ],
  ['401', { code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, answering(401, '')],
  ['403', { code: 'FORBIDDEN', outcome: 'REJECTED' }, answering(403, '')],
  ['408', UNREADABLE, answering(408, '')],
  ['a redirect to itself', UNREADABLE, answering(307, '', ['Location: /api/v2/admin/tasks/account'])],
  ['a redirect with Retry-After', UNREADABLE, answering(302, '', ['Location: /', ...RETRY_AFTER])],
  ['a reset', LOST, (socket) => socket.resetAndDestroy()],
  ['a connection closed without an answer', LOST, (socket) => socket.end()],
  ['half an answer', LOST, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{')],
  ['garbage', UNREADABLE, (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
  ['a page', UNREADABLE, answering(200, '<!DOCTYPE html><html><body>Welcome</body></html>')],
  ['nothing, with Retry-After', UNREADABLE, answering(204, '', RETRY_AFTER)],
];

describe('behind a retrying router', async () => {
  const stack = await startStack(10_000);
  const impatient = await startStack(400);

  test('the service is called once for a create that succeeds', async () => {
    const { status, json, attempts, posts } = await stack.play(
      answering(200, toEnvelope('json', ERRORS.null, DATA.whole)),
    );
    expect(json).toEqual({ data: { createAccountTask: { replayed: false, accountTask: { id: ID } } } });
    expect({ status, attempts, posts }).toEqual({ status: 200, attempts: 1, posts: 1 });
  });

  test.each(ANSWERS)(
    'the service is called once and the client gets the outcome when it answers with %s',
    async (_name, extensions, answer) => {
      const { status, json, attempts, posts } = await stack.play(answer);
      expect({ status, attempts, posts }).toEqual({ status: 200, attempts: 1, posts: 1 });
      expect(json.errors).toMatchObject([{ path: ['createAccountTask'], extensions }]);
      expect(json.errors?.[0]?.extensions).toMatchObject({
        requestId: expect.any(String) as unknown,
        retryable: extensions.code === 'OVERLOADED',
      });
    },
  );

  test.each([
    ['does not answer', (): void => undefined],
    ['answers without end', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{')],
  ] satisfies [string, RawAnswer][])(
    'the service is called once and the client gets the outcome when it %s in time',
    async (_name, answer) => {
      const { status, json, attempts, posts } = await impatient.play(answer);
      expect({ status, attempts, posts }).toEqual({ status: 200, attempts: 1, posts: 1 });
      expect(json.errors).toMatchObject([{ extensions: { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' } }]);
    },
  );
});

test('behind a retrying router an unreachable service is reported to the client once', async () => {
  const gone = await startRawService(() => undefined);
  await gone.close();
  const gateway = await startGateway(openBackend, { env: { UPSTREAM_URL: gone.url.href, RECORD: 'off' } });
  onTestFinished(() => gateway.close());
  const { fetcher, takeAttempts } = createRetryingFetcher();
  const router = await startRouter(new URL('graphql', gateway.url), fetcher);
  onTestFinished(() => router.close());
  const { status, json } = await router.create();
  expect(json.errors).toMatchObject([
    { extensions: { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true } },
  ]);
  expect({ status, attempts: takeAttempts() }).toEqual({ status: 200, attempts: 1 });
});

test('behind a retrying router a request that the gateway refuses arrives once and sends nothing', async () => {
  const arrived = Promise.withResolvers<Socket>();
  const service = await startRawService((socket) => arrived.resolve(socket));
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, {
    env: {
      UPSTREAM_URL: service.url.href,
      DATABASE_URL: 'sqlite::memory:',
      UPSTREAM_MAX_IN_FLIGHT: '1',
      UPSTREAM_TIMEOUT_MS: '60000',
    },
  });
  onTestFinished(() => gateway.close());
  const { fetcher, takeAttempts } = createRetryingFetcher();
  const router = await startRouter(new URL('graphql', gateway.url), fetcher);
  onTestFinished(() => router.close());
  const as = (authorization: string | null, input: object, key: string) =>
    router.graphql(
      { query: CREATE_WITH_KEY, variables: { input, key } },
      authorization === null ? {} : { authorization },
    );
  const told = async ({ status, json }: Awaited<ReturnType<typeof as>>) => {
    const { code, outcome } = json.errors?.[0]?.extensions ?? {};
    return { status, code, outcome, attempts: takeAttempts(), posts: service.posts.length };
  };
  const first = as('Bearer a', SAMPLE_INPUT, 'key');
  const socket = await arrived.promise;
  takeAttempts();
  const refused = { status: 200, outcome: 'NOT_SENT', attempts: 1, posts: 1 };
  const other = { ...SAMPLE_INPUT, parameters: '{}' };
  expect(await told(await as('Bearer a', other, 'other'))).toEqual({ ...refused, code: 'OVERLOADED' });
  expect(await told(await as('Bearer a', other, 'key'))).toEqual({ ...refused, code: 'IDEMPOTENCY_CONFLICT' });
  expect(await told(await as('Bearer a', SAMPLE_INPUT, 'key'))).toEqual({
    ...refused,
    code: 'IDEMPOTENCY_IN_PROGRESS',
  });
  expect(await told(await as(null, SAMPLE_INPUT, 'key'))).toEqual({ ...refused, code: 'UNAUTHENTICATED' });
  expect(await told(await as('Bearer a', { ...other, parameters: '{' }, 'other'))).toEqual({
    ...refused,
    code: 'BAD_USER_INPUT',
  });
  socket.resetAndDestroy();
  const lost = { ...refused, code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' };
  expect(await told(await first)).toEqual({ ...lost, attempts: 0 });
  expect(await told(await as('Bearer a', SAMPLE_INPUT, 'key'))).toEqual(lost);
});

const authenticate = async (): Promise<Caller> => ({ kind: 'forwarded', authorization: 'Bearer x' });

test.each(['*/*', 'application/json', 'application/graphql-response+json'])(
  'a defect after the create does not make the router create again, for Accept: %s',
  async (accept) => {
    let creates = 0;
    const detail = { n: 1n as unknown as number }; // not JSON
    const accountTask = { ID, TaskID: ID, ClientID: null, fields: {}, detail, recordedAt: null };
    const tasks = partialTaskService({
      async create() {
        creates += 1;
        return { accountTask, Identification: null, Result: null, replayed: false };
      },
    });
    const gateway = await startGateway(() => ({ tasks, authenticate, issueToken: null, batchConcurrency: 1 }));
    onTestFinished(() => gateway.close());
    const { fetcher, takeAttempts } = createRetryingFetcher();
    const router = await startRouter(new URL('graphql', gateway.url), (url, init) =>
      fetcher(url, { ...init, headers: { ...(init.headers as Record<string, string>), accept } }),
    );
    onTestFinished(() => router.close());
    const query = CREATE_WITH_KEY.replace('replayed', 'accountTask { detail } replayed');
    for (const round of [1, 2, 3]) {
      const { json } = await router.graphql({ query, variables: { input: SAMPLE_INPUT } });
      const extensions = { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN' };
      expect(json).toMatchObject({ data: null, errors: [{ extensions }] });
      expect({ creates, attempts: takeAttempts() }).toEqual({ creates: round, attempts: 1 });
    }
  },
);

test('a router that times out and retries with an idempotencyKey gets the one task', async () => {
  const arrived = Promise.withResolvers<void>();
  const askedAgain = Promise.withResolvers<void>();
  const service = await startRawService((socket) => {
    arrived.resolve();
    void askedAgain.promise.then(() => socket.write(CREATED));
  });
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
  });
  onTestFinished(() => gateway.close());
  const router = await startRouter(new URL('graphql', gateway.url), async (url, init) => {
    const waiting = new AbortController();
    void arrived.promise.then(() => waiting.abort());
    await expect(fetch(url, { ...init, signal: waiting.signal })).rejects.toThrow('aborted');
    const second = fetch(url, init);
    askedAgain.resolve();
    return second;
  });
  onTestFinished(() => router.close());
  const { json } = await router.create('key-1');
  expect(json).toEqual({ data: { createAccountTask: { replayed: true, accountTask: { id: ID } } } });
  expect(service.posts).toHaveLength(1);
});
