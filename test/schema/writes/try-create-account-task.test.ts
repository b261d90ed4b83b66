import { afterAll, describe, expect, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { FAILURES, type FailureKind, TaskFailure } from '../../../src/contract/failure.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../../support/envelope-text.ts';
import { startRestService } from '../../support/rest-service.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from '../../support/running-gateway.ts';
import { partialTaskService } from '../../support/partial-task-service.ts';

const KINDS = FAILURES.flatMap(({ code, outcomes }) => outcomes.map((outcome) => ({ code, outcome }) as FailureKind));
const FAILURE = 'code outcome retryable errorCode errorReason requestId message';
const CREATE = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { replayed accountTask { id parameters } }
}`;
const TRY = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  tryCreateAccountTask(input: $input, idempotencyKey: $key) {
    __typename
    ... on CreateAccountTaskPayload { replayed accountTask { id parameters } }
    ... on WriteFailure { ${FAILURE} }
  }
}`;

interface Variables {
  readonly input: object;
  readonly key?: string;
}

/** Sends the same create both ways, with one request ID, and returns the failure that each way shows. */
async function failBothWays(gateway: RunningGateway, variables: Variables, headers: Record<string, string> = {}) {
  const sent = { ...headers, 'x-request-id': 'try-1' };
  const asError = await gateway.graphql({ query: CREATE, variables }, sent);
  const asData = await gateway.graphql({ query: TRY, variables }, sent);
  expect(asData.json.errors).toBeUndefined();
  const [error] = asError.json.errors ?? [];
  return {
    status: asData.status,
    error: { errorCode: null, errorReason: null, ...error?.extensions, message: error?.message },
    data: asData.json.data?.['tryCreateAccountTask'] as unknown,
  };
}

describe('a create that fails in a known or unknown way', async () => {
  let failure: unknown;
  const tasks = partialTaskService({
    create: () => Promise.reject(failure),
    find: () => Promise.reject(failure),
    list: () => Promise.reject(failure),
    findOutcome: () => Promise.reject(failure),
  });
  const gateway = await startGateway(() => ({
    tasks,
    authenticate: () => ({ kind: 'account', accountId: 'a', clientId: null }),
    issueToken: null,
    batchConcurrency: 1,
  }));
  afterAll(() => gateway.close());

  test.each(KINDS)('is the same as data and as an error: $code, $outcome', async (kind) => {
    failure = new TaskFailure(kind, 'What happened.', { errorCode: 'E1', errorReason: 'A reason.' });
    const { status, error, data } = await failBothWays(gateway, { input: SAMPLE_INPUT });
    expect(status).toBe(200);
    expect(data).toEqual({ __typename: 'CreateAccountTaskFailure', ...error });
    expect(data).toMatchObject({ ...kind, errorCode: 'E1', requestId: 'try-1' });
  });

  test('is the masked INTERNAL_SERVER_ERROR of unknown outcome if it is a defect', async () => {
    failure = new Error('a defect');
    const { error, data } = await failBothWays(gateway, { input: SAMPLE_INPUT });
    expect(data).toEqual({ __typename: 'CreateAccountTaskFailure', ...error });
    expect(data).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN', message: 'Unexpected error.' });
  });

  test('names the refused field of its input as data, too', async () => {
    const { error, data } = await failBothWays(gateway, { input: { ...SAMPLE_INPUT, taskId: 'x' } });
    expect(data).toEqual({ __typename: 'CreateAccountTaskFailure', ...error });
    expect(data).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/^input\.taskId: /) as unknown,
    });
  });

  test.each([
    ['a DateTime that does not coerce', TRY, { input: { ...SAMPLE_INPUT, startDate: 'tomorrow' } }],
    ['an unknown field', TRY.replace('replayed', 'repeated'), { input: SAMPLE_INPUT }],
    ['a syntax error', TRY.slice(0, -1), { input: SAMPLE_INPUT }],
  ])('is a GraphQL error for %s', async (_name, query, variables) => {
    const { json } = await gateway.graphql({ query, variables });
    expect(json.errors).toMatchObject([{ extensions: { outcome: 'NOT_SENT' } }]);
    expect(json.data).toBeUndefined();
  });

  test('is a GraphQL error for more than 100 writes in one request', async () => {
    const fields = Array.from(
      { length: 101 },
      (_, index) => `c${index}: tryCreateAccountTask(input: $input) { __typename }`,
    );
    const query = `mutation ($input: CreateAccountTaskInput!) { ${fields.join(' ')} }`;
    const { json } = await gateway.graphql({ query, variables: { input: SAMPLE_INPUT } });
    expect(json.errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' } });
  });
});

const service = await startRestService({
  answer: ({ headers }) =>
    headers.authorization === 'Bearer unknown'
      ? {
          status: 400,
          headers: { 'Content-Type': 'application/json' },
          body: toEnvelope('json', ERRORS.set, DATA.absent),
        }
      : null,
});
const upstream = await startGateway(openBackend, {
  env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
  authorization: 'Bearer caller-1',
});
const store = await startStoreGateway();
afterAll(() => Promise.all([store.close(), upstream.close(), service.close()]));

describe.each([
  ['store', store],
  ['upstream', upstream],
])('tryCreateAccountTask in %s mode', (_name, gateway) => {
  test('returns the task that was created, and replays it under its key', async () => {
    const variables = { input: SAMPLE_INPUT, key: 'try' };
    const [first, second] = [
      await gateway.graphql({ query: TRY, variables }),
      await gateway.graphql({ query: TRY, variables }),
    ].map(({ json }) => json.data?.['tryCreateAccountTask'] as unknown as { accountTask: { id: string } });
    expect(first).toMatchObject({ replayed: false, accountTask: { parameters: SAMPLE_INPUT.parameters } });
    expect(second).toEqual({ ...first, replayed: true });
    const { json } = await gateway.graphql({ query: CREATE, variables });
    expect(json.data?.['createAccountTask']).toMatchObject({
      replayed: true,
      accountTask: { id: first?.accountTask.id },
    });
  });

  test('returns missing credentials as data', async () => {
    const { error, data } = await failBothWays(gateway, { input: SAMPLE_INPUT }, { authorization: '' });
    expect(data).toEqual({ __typename: 'CreateAccountTaskFailure', ...error });
    expect(data).toMatchObject({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' });
  });
});

test("the service's ErrorCode and ErrorReason are part of the failure", async () => {
  const { data } = await failBothWays(upstream, { input: SAMPLE_INPUT }, { authorization: 'Bearer unknown' });
  expect(data).toMatchObject({ code: 'TASK_REJECTED', errorCode: 'E17', errorReason: REASON, message: REASON });
});
