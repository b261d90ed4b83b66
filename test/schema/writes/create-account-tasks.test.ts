import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { startGateway, startStoreGateway } from '../../support/running-gateway.ts';
import { startRestService } from '../../support/rest-service.ts';
import { createBatch, item, items, sendBatch } from '../../support/batch.ts';

/** A TaskID that each backend refuses with its own failure. */
const REFUSED_TASK_ID = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
const REFUSAL = '{"Error":{"ErrorCode":"E17","ErrorReason":"No such task."},"ResponseData":null}';

const service = await startRestService({
  answer: ({ body }) => (body.includes(REFUSED_TASK_ID) ? { status: 400, body: REFUSAL } : null),
});
const upstream = await startGateway(openBackend, {
  env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
  authorization: 'Bearer caller-1',
});
const store = await startStoreGateway();
afterAll(() => Promise.all([store.close(), upstream.close(), service.close()]));

const BACKENDS = {
  store: {
    gateway: store,
    refused: {
      message: `There is no task ${REFUSED_TASK_ID} in the catalogue of tasks that may be registered.`,
      code: 'TASK_NOT_FOUND',
      errorCode: null,
      errorReason: null,
    },
  },
  upstream: {
    gateway: upstream,
    refused: {
      message: 'No such task.',
      code: 'TASK_REJECTED',
      errorCode: 'E17',
      errorReason: 'No such task.',
    },
  },
} as const;

const keyed = (key: string) => ({ ...item(`"${key}"`), idempotencyKey: `batch ${key}` });

describe.each(Object.entries(BACKENDS))('createAccountTasks in %s mode', (_name, { gateway, refused }) => {
  let before: ReadonlySet<string>;
  const listed = async (): Promise<ReadonlySet<string>> => {
    const { json } = await gateway.graphql({ query: '{ accountTasks(first: 100) { edges { node { id } } } }' });
    const page = json.data as unknown as { accountTasks: { edges: { node: { id: string } }[] } };
    return new Set(page.accountTasks.edges.map(({ node }) => node.id));
  };
  const created = async (): Promise<number> => (await listed()).difference(before).size;
  beforeEach(async () => {
    before = await listed();
  });

  test('returns its results in the order of its inputs', async () => {
    const results = await createBatch(gateway, items(40));
    expect(results.map((result) => result.accountTask?.parameters)).toEqual(
      items(40).map(({ input }) => input['parameters']),
    );
    expect(new Set(results.map((result) => result.accountTask?.id)).size).toBe(40);
    expect(await created()).toBe(40);
  });

  test('creates the valid items and returns a failure for each of the others', async () => {
    const results = await createBatch(gateway, [
      item('1'),
      item('2', { taskId: 'not-a-guid' }),
      item('{"broken":'),
      item('4', { taskId: REFUSED_TASK_ID }),
      { ...item('5'), idempotencyKey: '' },
      item('6'),
    ]);
    const NOT_SENT = { __typename: 'CreateAccountTaskFailure', code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' } as const;
    expect(results).toMatchObject([
      { __typename: 'CreateAccountTaskPayload', replayed: false, accountTask: { parameters: '1' } },
      { ...NOT_SENT, message: expect.stringMatching(/^inputs\.1\.input\.taskId: expected a GUID/) as unknown },
      { ...NOT_SENT, message: expect.stringMatching(/^inputs\.2\.input\.parameters: is not JSON/) as unknown },
      { __typename: 'CreateAccountTaskFailure', outcome: 'REJECTED', retryable: false, ...refused },
      { ...NOT_SENT, message: 'idempotencyKey: expected 1 to 255 characters, got 0' },
      { __typename: 'CreateAccountTaskPayload', replayed: false, accountTask: { parameters: '6' } },
    ]);
    expect(await created()).toBe(2);
  });

  test('returns a failure as a WriteFailure with the request that it belongs to', async () => {
    const query = `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) {
      ... on WriteFailure { code outcome retryable message requestId } } }`;
    const inputs = [item('{"broken":')];
    const { json } = await gateway.graphql({ query, variables: { inputs } }, { 'x-request-id': 'trace-46' });
    expect(json.data?.['createAccountTasks']).toEqual([
      {
        code: 'BAD_USER_INPUT',
        outcome: 'NOT_SENT',
        retryable: false,
        message: expect.stringMatching(/^inputs\.0\.input\.parameters: is not JSON/) as unknown,
        requestId: 'trace-46',
      },
    ]);
  });

  test('creates one task for each idempotencyKey, within the batch and in later ones', async () => {
    const results = await createBatch(gateway, [
      keyed('a'),
      keyed('b'),
      keyed('a'),
      { ...item('"c"'), idempotencyKey: null },
    ]);
    const [a, b, again, c] = results.map((result) => result.accountTask?.id);
    expect(new Set([a, b, c]).size).toBe(3);
    expect(again).toBe(a);
    // Either of the two items with the same key can be the first.
    expect([results[0]?.replayed, results[2]?.replayed]).toEqual(expect.arrayContaining([true, false]));
    expect([results[1]?.replayed, results[3]?.replayed]).toEqual([false, false]);
    const later = await createBatch(gateway, [keyed('b'), { ...item('"other"'), idempotencyKey: 'batch a' }]);
    expect(later).toMatchObject([
      { replayed: true, accountTask: { id: b } },
      { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' },
    ]);
    expect(await created()).toBe(3);
  });

  test('a batch without items returns an empty list', async () => {
    expect(await createBatch(gateway, [])).toEqual([]);
  });

  test('a batch with an unknown enum member is refused as a whole, and the message names the item', async () => {
    const { json } = await sendBatch(gateway, [item('1'), item('2', { frequency: 'SOMETIMES' })]);
    expect(json.errors).toMatchObject([
      {
        message: expect.stringMatching(/"inputs\[1\]\.input\.frequency".*NONE.*SOMETIMES/) as unknown,
        extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
      },
    ]);
    expect(await created()).toBe(0);
  });

  test('a batch without credentials is refused as a whole', async () => {
    const { json } = await sendBatch(gateway, items(2), { authorization: '' });
    expect(json.errors).toMatchObject([
      { path: ['createAccountTasks'], extensions: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' } },
    ]);
    expect(await created()).toBe(0);
  });
});

test('in upstream mode every item that is sent is exactly one POST', async () => {
  const before = service.requests.length;
  await createBatch(upstream, [
    item('1', { taskId: REFUSED_TASK_ID }),
    item('2', { taskId: 'not-a-guid' }),
    { ...item('3'), idempotencyKey: 'one post' },
    { ...item('3'), idempotencyKey: 'one post' },
    item('4'),
  ]);
  expect(service.requests.length - before).toBe(3);
});
