import { expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';

const LIST = { query: '{ accountTasks { edges { node { id } } } }' };
const CREATE = {
  query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }',
  variables: { input: SAMPLE_INPUT },
};
const BATCH = {
  query: 'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }',
  variables: { inputs: [{ input: SAMPLE_INPUT }] },
};
const UNKNOWN_CALLER = { authorization: 'Bearer unknown' };

/** Sends enough long documents of an unknown caller to fill any of the caches several times. */
async function flood({ graphql }: RunningGateway, body: { readonly query: string }): Promise<void> {
  for (let number = 0; number < 60; number += 1) {
    const query = `${body.query} #${number}${'x'.repeat(9_700)}`;
    await graphql({ ...body, query }, UNKNOWN_CALLER);
    await graphql({ ...body, query }, UNKNOWN_CALLER);
  }
}

async function isFast({ url, graphql }: RunningGateway, body: object): Promise<boolean> {
  const count = async (): Promise<number> => {
    const text = await (await fetch(new URL('metrics', url))).text();
    return Number(/^gateway_fast_answers_total (\d+)$/m.exec(text)?.[1]);
  };
  const before = await count();
  expect((await graphql(body)).json.errors).toBeUndefined();
  return (await count()) > before;
}

test.each([
  ['that ran for a known caller', async () => {}],
  [
    'that ran for an unknown caller first and then for a known one',
    async (gateway: RunningGateway) => void (await gateway.graphql(LIST, UNKNOWN_CALLER)),
  ],
])('a document %s keeps its place in the fast lane whatever unknown callers send', async (_what, before) => {
  const gateway = await startStoreGateway();
  onTestFinished(() => gateway.close());
  await before(gateway);
  await gateway.graphql(LIST);
  for (const body of [LIST, { query: '{ __typename }' }, CREATE]) await flood(gateway, body);
  expect(await isFast(gateway, LIST)).toBe(true);
});

test.each([
  ['create', CREATE],
  ['batch', BATCH],
])(
  'a %s that the service accepted keeps its place in the fast lane whatever refused callers send',
  async (_what, body) => {
    const service = await startRestService({
      answer: ({ headers }) => (headers.authorization === 'Bearer known' ? null : { status: 401, body: '' }),
    });
    onTestFinished(() => service.close());
    const gateway = await startGateway(openBackend, {
      env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
      authorization: 'Bearer known',
    });
    onTestFinished(() => gateway.close());
    await gateway.graphql(body);
    for (const other of [LIST, CREATE, BATCH]) await flood(gateway, other);
    expect(await isFast(gateway, body)).toBe(true);
  },
);

test('documents of unknown callers evict one another', async () => {
  const gateway = await startStoreGateway();
  onTestFinished(() => gateway.close());
  const body = { query: '{ __typename }' };
  await gateway.graphql(body, UNKNOWN_CALLER);
  expect(await isFast(gateway, body)).toBe(true);
  await flood(gateway, { query: '{ a: __typename }' });
  expect(await isFast(gateway, body)).toBe(false);
});
