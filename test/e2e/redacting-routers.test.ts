import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { ROUTED_WRITES } from '../support/routed-writes.ts';
import { type RunningGateway, startGateway } from '../support/running-gateway.ts';
import { REDACTIONS, startRedactingRouter } from './support/redacting-router.ts';

const REFUSED: RawAnswer = (socket) => socket.write(httpAnswer(400, toEnvelope('json', ERRORS.set, DATA.absent), []));
const FAILED: RawAnswer = (socket) => socket.write(httpAnswer(502, 'Bad gateway', []));
const RESET: RawAnswer = (socket) => socket.resetAndDestroy();
const NONE = { errorCode: null, errorReason: null };

let answer: RawAnswer = REFUSED;
const service = await startRawService((...request) => answer(...request));
const gateway: RunningGateway = await startGateway(openBackend, {
  env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
});
afterAll(() => Promise.all([gateway.close(), service.close()]));

describe.each(Object.entries(REDACTIONS))('behind a router that shows errors as %s does', (name, redact) => {
  let router: Awaited<ReturnType<typeof startRedactingRouter>>;
  beforeAll(async () => {
    router = await startRedactingRouter(new URL('graphql', gateway.url), redact);
  });
  afterAll(() => router.close());

  /** Sends a mutation through the router; also returns the number of requests that reached the service. */
  const send = async (query: string, variables: object, next: RawAnswer) => {
    answer = next;
    const before = service.posts.length;
    const response = await fetch(router.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer caller-1' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as {
      readonly data: { readonly write?: unknown } | null;
      readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[];
    };
    return { written: data?.write, errors, posts: service.posts.length - before };
  };

  describe.each(ROUTED_WRITES)('$name', ({ plain, tried, variables, isRetryable }) => {
    test.each([
      ['REJECTED', { code: 'TASK_REJECTED', errorCode: 'E17', errorReason: REASON }, REFUSED],
      ['UNKNOWN', { code: 'UPSTREAM_FAILED', ...NONE }, FAILED],
      ['UNKNOWN', { code: 'UPSTREAM_CONNECTION_LOST', ...NONE }, RESET],
    ])('keeps %s and all else of a failure as data, and sends one request', async (outcome, facts, next) => {
      const { written, errors, posts } = await send(tried, variables, next);
      expect(errors).toBeUndefined();
      expect(written).toEqual({
        ...facts,
        outcome,
        retryable: isRetryable && outcome === 'UNKNOWN',
        requestId: expect.stringMatching(/./) as unknown,
        message: expect.stringMatching(/./) as unknown,
      });
      expect(posts).toBe(1);
    });

    test('shows the outcome of an error only if the router passes extensions on', async () => {
      const { errors, posts } = await send(plain, variables, FAILED);
      const { outcome, retryable } = errors?.[0]?.extensions ?? {};
      const isPassedOn = name.startsWith('Hive');
      expect([outcome, retryable]).toEqual(isPassedOn ? ['UNKNOWN', isRetryable] : [undefined, undefined]);
      expect(posts).toBe(1);
    });
  });
});
