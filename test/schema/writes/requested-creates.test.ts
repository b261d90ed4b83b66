import { afterAll, beforeEach, expect, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { type GatewayAnswer, SAMPLE_INPUT, startGateway } from '../../support/running-gateway.ts';
import { startRestService } from '../../support/rest-service.ts';
import { items, sendBatch } from '../../support/batch.ts';

const service = await startRestService();
const gateway = await startGateway(openBackend, {
  env: { UPSTREAM_URL: service.url.href, RECORD: 'off' },
  authorization: 'Bearer caller-1',
});
afterAll(() => Promise.all([gateway.close(), service.close()]));

let before = 0;
beforeEach(() => {
  before = service.requests.length;
});
const sent = (): number => service.requests.length - before;

const VARIABLES = {
  $a: '[CreateAccountTaskItem!]!',
  $b: '[CreateAccountTaskItem!]!',
  $one: 'CreateAccountTaskInput!',
  $no: 'Boolean = false',
};
const A = 'a: createAccountTasks(inputs: $a) { __typename }';
const B = 'b: createAccountTasks(inputs: $b) { __typename }';
const ONE = 'one: createAccountTask(input: $one) { __typename }';

/** Sends a mutation that declares the variables it uses. `$a` and `$b` are lists of `a` and `b` items. */
function send(selections: string, a: number, b: number, fragments = ''): Promise<GatewayAnswer> {
  const body = `{ ${selections} } ${fragments}`;
  const declared = Object.entries(VARIABLES).flatMap(([name, type]) =>
    body.includes(name) ? [`${name}: ${type}`] : [],
  );
  return gateway.graphql({
    query: `mutation (${declared.join(', ')}) ${body}`,
    variables: { a: items(a), b: items(b), one: SAMPLE_INPUT },
  });
}

test('a batch can create 100 tasks', async () => {
  const { json } = await sendBatch(gateway, items(100));
  expect(json.data?.['createAccountTasks']).toHaveLength(100);
  expect(sent()).toBe(100);
});

test('a batch of 101 items is refused before any is sent', async () => {
  const { json } = await sendBatch(gateway, items(101));
  expect(json.data).toBeUndefined();
  expect(json.errors).toMatchObject([
    {
      message: 'inputs: expected at most 100 items in a list, got 101',
      extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false },
    },
  ]);
  expect(sent()).toBe(0);
});

test.each([
  ['two batches and a create', `${A} ${B} ${ONE}`, 50, 50, ''],
  ['two batches, the larger one last', `${A} ${B}`, 1, 100, ''],
  ['a create before a batch', `${ONE} ${A}`, 100, 0, ''],
  ['fragments', `...F ... on Mutation { ${ONE} }`, 1, 99, `fragment F on Mutation { ${A} ${B} }`],
  [
    'a single item in place of a list',
    `${A} ${ONE} b: createAccountTasks(inputs: { input: $one }) { __typename }`,
    99,
    0,
    '',
  ],
  [
    'a list written in the document',
    `${A} b: createAccountTasks(inputs: [{ input: $one }, { input: $one }]) { __typename }`,
    99,
    0,
    '',
  ],
])('a request with 101 creates in total is refused before any is sent: %s', async (_, selections, a, b, fragments) => {
  const { json } = await send(selections, a, b, fragments);
  expect(json.errors).toMatchObject([
    {
      message: expect.stringContaining('expected at most 100 writes in one request, got 101') as unknown,
      extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    },
  ]);
  expect(sent()).toBe(0);
});

test.each([
  ['two batches and a create', `${A} ${B} ${ONE}`, 50, 49, ''],
  ['a fragment that is spread twice', `...F ...F ${ONE}`, 99, 0, `fragment F on Mutation { ${A} }`],
  ['a field that is written twice', `${A} ${A} ${ONE}`, 99, 0, ''],
  ['a field that is skipped', `${A} ${B.replace('{', '@skip(if: true) {')} ${ONE}`, 99, 50, ''],
  ['a fragment that is not included', `${A} ... @include(if: $no) { ${B} } ${ONE}`, 99, 50, ''],
])(
  'a field that is not executed is not counted, so 100 creates are sent: %s',
  async (_, selections, a, b, fragments) => {
    const { json } = await send(selections, a, b, fragments);
    expect(json.errors).toBeUndefined();
    expect(sent()).toBe(100);
  },
);
