import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { REDACTIONS, startRedactingRouter } from './support/redacting-router.ts';

const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';
const TRY = `mutation ($input: CreateAccountTaskInput!) { tryCreateAccountTask(input: $input) {
  ... on CreateAccountTaskPayload { replayed accountTask { id } }
  ... on WriteFailure { code outcome retryable errorCode errorReason requestId message }
} }`;

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
  const send = async (query: string, next: RawAnswer) => {
    answer = next;
    const before = service.posts.length;
    const response = await fetch(router.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer caller-1' },
      body: JSON.stringify({ query, variables: { input: SAMPLE_INPUT } }),
    });
    const { data, errors } = (await response.json()) as {
      readonly data: { readonly tryCreateAccountTask?: unknown } | null;
      readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[];
    };
    return { failure: data?.tryCreateAccountTask, errors, posts: service.posts.length - before };
  };

  test.each([
    ['REJECTED', { code: 'TASK_REJECTED', errorCode: 'E17', errorReason: REASON }, REFUSED],
    ['UNKNOWN', { code: 'UPSTREAM_FAILED', ...NONE }, FAILED],
    ['UNKNOWN', { code: 'UPSTREAM_CONNECTION_LOST', ...NONE }, RESET],
  ])('tryCreateAccountTask keeps %s and all else of a failure, and sends one POST', async (outcome, facts, next) => {
    const { failure, errors, posts } = await send(TRY, next);
    expect(errors).toBeUndefined();
    expect(failure).toEqual({
      ...facts,
      outcome,
      retryable: false,
      requestId: expect.stringMatching(/./) as unknown,
      message: expect.stringMatching(/./) as unknown,
    });
    expect(posts).toBe(1);
  });

  test('createAccountTask shows its outcome only if the router passes extensions on', async () => {
    const { errors, posts } = await send(CREATE, FAILED);
    const isPassedOn = name.startsWith('Hive');
    expect(errors?.[0]?.extensions?.['outcome']).toBe(isPassedOn ? 'UNKNOWN' : undefined);
    expect(posts).toBe(1);
  });
});
