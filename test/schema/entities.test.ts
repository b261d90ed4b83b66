import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { type GatewayAnswer, type RunningGateway, startGateway } from '../support/running-gateway.ts';
import { DATABASES } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { createBatch, items } from '../support/batch.ts';
import { startCountedGateway } from './counted-gateway.ts';

const QUERY = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { __typename ... on AccountTask { id parameters task { id } } }
}`;
const ABSENT = 'ffffffff-ffff-4fff-8fff-ffffffffffff';

function resolve(
  gateway: RunningGateway,
  representations: readonly unknown[],
  headers?: Record<string, string>,
): Promise<GatewayAnswer> {
  return gateway.graphql({ query: QUERY, variables: { representations } }, headers);
}

/** Creates tasks and returns their representations as a router sends them: the key and the name of the type. */
async function createTasks(gateway: RunningGateway, count: number): Promise<{ __typename: string; id: string }[]> {
  const results = await createBatch(gateway, items(count));
  return results.map(({ accountTask }) => ({ __typename: 'AccountTask', id: accountTask?.id ?? '' }));
}

describe.each(DATABASES)('_entities in the store on %s', (kind) => {
  test('resolves 100 representations in their order with one database read', async () => {
    const gateway = await startCountedGateway(kind);
    const tasks = await createTasks(gateway, 100);
    const shuffled = tasks.toReversed();
    gateway.takeCounts();
    const { json } = await resolve(gateway, shuffled);
    expect(gateway.takeCounts()).toEqual({ commits: 0, reads: 1 });
    expect(json.errors).toBeUndefined();
    expect(json.data?.['_entities']).toMatchObject(shuffled);
  });

  test("returns null alike for another account's task and for one that does not exist", async () => {
    const gateway = await startCountedGateway(kind);
    const [task] = await createTasks(gateway, 1);
    const authorization = `Bearer ${gateway.foreignToken}`;
    const { json } = await resolve(gateway, [task, { __typename: 'AccountTask', id: ABSENT }], { authorization });
    expect(json).toEqual({ data: { _entities: [null, null] } });
  });
});

test('a representation that cannot be resolved is an error at its own path, and the others are resolved', async () => {
  const gateway = await startCountedGateway('SQLite');
  const [task] = await createTasks(gateway, 1);
  const { json } = await resolve(gateway, [
    { __typename: 'AccountTask', id: 'not-a-guid' },
    task,
    { __typename: 'AccountTask' },
    { __typename: 'AccountTask', id: [task?.id] },
    { __typename: 'Task', id: ABSENT },
    { __typename: 'Nonsense', id: ABSENT },
    { __typename: 'Mutation' },
    { id: task?.id },
    17,
    { ...task, id: task?.id.toUpperCase() },
  ]);
  expect(json.data?.['_entities']).toEqual([
    null,
    expect.objectContaining(task) as unknown,
    ...Array.from({ length: 7 }, () => null),
    expect.objectContaining(task) as unknown,
  ]);
  const errors = json.errors?.map(({ message, path, extensions: { code, retryable } }) => ({
    message,
    at: path?.[1],
    code,
    retryable,
  }));
  const BAD = { code: 'BAD_USER_INPUT', retryable: false };
  const FORMS = 'expected a GUID: 32 hexadecimal digits, plain, hyphenated, or hyphenated in {} or ()';
  expect(errors?.toSorted((a, b) => Number(a.at) - Number(b.at))).toEqual([
    { ...BAD, at: 0, message: `id: ${FORMS}, got "not-a-guid"` },
    { ...BAD, at: 2, message: `id: ${FORMS}, got ""` },
    { ...BAD, at: 3, message: `id: ${FORMS}, got ""` },
    ...[4, 5, 6, 7, 8].map((at) => ({ ...BAD, at, message: `representations.${at}.__typename: expected AccountTask` })),
  ]);
});

test('_entities authenticates the caller before it reads any representation', async () => {
  const gateway = await startCountedGateway('SQLite');
  const tasks = await createTasks(gateway, 2);
  gateway.takeCounts();
  const { json } = await resolve(gateway, [17, ...tasks], { authorization: '' });
  expect(json.data).toBeNull();
  expect(json.errors).toMatchObject([{ path: ['_entities'], extensions: { code: 'UNAUTHENTICATED' } }]);
  expect(json.errors).toHaveLength(1);
  expect(gateway.takeCounts()).toEqual({ commits: 0, reads: 0 });
});

describe('_entities in upstream mode', () => {
  test('resolves recorded tasks for the same caller only, and sends nothing', async () => {
    const service = await startRestService();
    onTestFinished(() => service.close());
    const gateway = await startGateway(openBackend, {
      env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
      authorization: 'Bearer caller-1',
    });
    onTestFinished(() => gateway.close());
    const tasks = await createTasks(gateway, 3);
    expect(service.requests).toHaveLength(3);
    const own = await resolve(gateway, [...tasks, { __typename: 'AccountTask', id: ABSENT }]);
    expect(own.json).toMatchObject({ data: { _entities: [...tasks, null] } });
    const foreign = await resolve(gateway, tasks, { authorization: 'Bearer caller-2' });
    expect(foreign.json).toEqual({ data: { _entities: [null, null, null] } });
    expect(service.requests).toHaveLength(3);
  });

  test('returns an error if nothing is recorded, and sends nothing', async () => {
    const service = await startRestService();
    onTestFinished(() => service.close());
    const gateway = await startGateway(openBackend, {
      env: { UPSTREAM_URL: service.url.href, RECORD: 'off' },
      authorization: 'Bearer caller-1',
    });
    onTestFinished(() => gateway.close());
    const { json } = await resolve(gateway, [{ __typename: 'AccountTask', id: ABSENT }]);
    expect(json.data).toEqual({ _entities: [null] });
    expect(json.errors).toMatchObject([
      { message: expect.stringContaining('cannot be read here') as unknown, extensions: { code: 'NOT_SUPPORTED' } },
    ]);
    expect(service.requests).toHaveLength(0);
  });
});
