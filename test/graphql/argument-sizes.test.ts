import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { createGateway } from '../../src/app/embedded.ts';
import { compileArgumentSizes } from '../../src/graphql/limits/argument-sizes.ts';
import { type GraphqlAnswer, SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

interface Request {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

const ITEM = { input: SAMPLE_INPUT };
const PAGE = '{ edges { cursor } }';
const times = <Item>(count: number, item: Item): readonly Item[] => Array.from({ length: count }, () => item);
const inTurn = (texts: readonly string[]): string => texts.join(' ');

/** Writers of requests with exactly the given size. */
const SIZES: readonly (readonly [what: string, most: number, write: (size: number) => Request, problem: RegExp])[] = [
  [
    'representations in a variable',
    1_000,
    (size) => ({
      query: 'query ($all: [_Any!]!) { _entities(representations: $all) { __typename } }',
      variables: { all: times(size, 1) },
    }),
    /^representations: expected at most 1000 in one operation, got 1001$/,
  ],
  [
    'representations in the default of a variable',
    1_000,
    (size) => ({
      query: `query ($all: [_Any!]! = [${inTurn(times(size, '1'))}]) { _entities(representations: $all) { __typename } }`,
    }),
    /^representations: expected at most 1000 in one operation, got 1001$/,
  ],
  [
    'representations written in the document',
    1_000,
    (size) => ({ query: `{ _entities(representations: [${inTurn(times(size, '1'))}]) { __typename } }` }),
    /^representations: expected at most 1000 in one operation, got 1001$/,
  ],
  [
    'representations of several fields together',
    1_000,
    (size) => ({
      query: `query ($all: [_Any!]!, $one: _Any!) { ...Entities b: _entities(representations: [$one]) { __typename } }
        fragment Entities on Query { a: _entities(representations: $all) { __typename } }`,
      variables: { all: times(size - 1, 1), one: 1 },
    }),
    /^representations: expected at most 1000 in one operation, got 1001$/,
  ],
  [
    'a page whose size is a variable',
    100,
    (first) => ({ query: `query ($first: Int) { accountTasks(first: $first) ${PAGE} }`, variables: { first } }),
    /^first: expected 1 to 100, got 101$/,
  ],
  [
    'a page from the end',
    100,
    (last) => ({ query: `query ($last: Int) { accountTasks(last: $last) ${PAGE} }`, variables: { last } }),
    /^last: expected 1 to 100, got 101$/,
  ],
  [
    'a list within a filter',
    100,
    (size) => ({
      query: `query ($filter: AccountTaskFilter) { accountTasks(filter: $filter) ${PAGE} }`,
      variables: { filter: { statuses: times(size, 'REGISTERED') } },
    }),
    /^filter: expected at most 100 items in a list, got 101$/,
  ],
  [
    'a page whose size is the default of a variable',
    100,
    (first) => ({ query: `query ($first: Int = ${first}) { accountTasks(first: $first) ${PAGE} }` }),
    /^first: expected 1 to 100, got 101$/,
  ],
  [
    'a page whose size is written in the document, after another field',
    100,
    (first) => ({
      query: `{ accountTask(id: "${SAMPLE_INPUT.taskId}") { id } accountTasks(first: ${first}) ${PAGE} }`,
    }),
    /^first: expected 1 to 100, got 101$/,
  ],
  [
    'a batch in a variable',
    100,
    (size) => ({
      query: 'mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }',
      variables: { inputs: times(size, ITEM) },
    }),
    /^inputs: expected at most 100 items in a list, got 101$/,
  ],
];

const folder = mkdtempSync(join(tmpdir(), 'argument-sizes-'));
const manifest = join(folder, 'manifest.json');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const texts = SIZES.flatMap(([, most, write]) => [write(most).query, write(most + 1).query]);
writeFileSync(manifest, JSON.stringify(Object.fromEntries(texts.map((text) => [hash(text), text]))));
const [plain, trusted, embedded] = await Promise.all([
  startStoreGateway(),
  startStoreGateway({ env: { TRUSTED_DOCUMENTS: manifest } }),
  createGateway({ env: { DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent' } }),
]);
afterAll(async () => {
  await Promise.all([plain, trusted, embedded].map((gateway) => gateway.close()));
  rmSync(folder, { recursive: true });
});

/** Every resolver checks credentials first, so the error UNAUTHENTICATED shows that one has run. */
const ANONYMOUS = { authorization: 'none' };

const read = async (response: Response): Promise<GraphqlAnswer> => JSON.parse(await response.text()) as GraphqlAnswer;
const WAYS: Readonly<Record<string, (request: Request) => Promise<GraphqlAnswer>>> = {
  'plain JSON': async (request) => (await plain.graphql(request, ANONYMOUS)).json,
  'a trusted document': async ({ query, variables = {} }) =>
    (await trusted.graphql({ documentId: hash(query), variables }, ANONYMOUS)).json,
  'a form': async ({ query, variables = {} }) => {
    const body = new URLSearchParams({ query, variables: JSON.stringify(variables) });
    return read(
      await fetch(new URL('graphql', plain.url), {
        method: 'POST',
        headers: { ...ANONYMOUS, 'apollo-require-preflight': 'true' },
        body,
      }),
    );
  },
  'the embedded gateway': async (request) =>
    read(
      await embedded.fetch(
        new Request('http://gateway/graphql', {
          method: 'POST',
          headers: { ...ANONYMOUS, 'content-type': 'application/json' },
          body: JSON.stringify(request),
        }),
      ),
    ),
};

describe.each(Object.entries(WAYS))('through %s', (_way, ask) => {
  test.each(SIZES)(
    'accepts %s up to %i and refuses one more before anything runs',
    async (_what, most, write, problem) => {
      for (const _ of ['unknown', 'known']) {
        const allowed = await ask(write(most));
        expect(allowed.errors?.map(({ extensions }) => extensions['code'])).toContain('UNAUTHENTICATED');
        const refused = await ask(write(most + 1));
        expect(refused).toEqual({
          errors: [
            expect.objectContaining({
              message: expect.stringMatching(problem) as unknown,
              extensions: expect.objectContaining({
                code: 'BAD_USER_INPUT',
                outcome: 'NOT_SENT',
                retryable: false,
              }) as unknown,
            }),
          ],
        });
      }
    },
  );
});

test('a GET with too many representations is refused like a POST', async () => {
  const [, most, write, problem] = SIZES[0] as (typeof SIZES)[number];
  const { query, variables } = write(most + 1);
  const url = new URL('graphql', plain.url);
  url.search = new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
  const { errors } = await read(await fetch(url, { headers: ANONYMOUS }));
  expect(errors?.map(({ message }) => message)).toEqual([expect.stringMatching(problem)]);
});

test('the metrics count every refusal of an argument once', async () => {
  const gateway = await startStoreGateway();
  const [, most, write] = SIZES[0] as (typeof SIZES)[number];
  for (const size of [most, most, most + 1, most + 1]) await gateway.graphql(write(size));
  const metrics = await (await fetch(new URL('metrics', gateway.url))).text();
  await gateway.close();
  expect(metrics).toMatch(/^gateway_refusals_total\{limit="argument_sizes"\} 2$/m);
});

describe('the sizes of an operation', () => {
  const schema = buildSchema(`
    type Query { page(first: Int = 20, last: Int): Page some(filter: Filter, ids: [ID!]): Page }
    type Page { page(first: Int): Page id: ID }
    input Filter { ids: [ID!] groups: [[Int]] not: Filter name: String }
  `);
  const find = (query: string, given: Readonly<Record<string, unknown>> = {}): string | null | undefined => {
    const document = parse(query);
    const operation = getOperationAST(document, 'A') ?? getOperationAST(document);
    return operation && compileArgumentSizes(schema, document, operation)?.(given);
  };
  const long = times(101, '1');

  test('an operation without sized arguments needs no check', () => {
    expect(find('{ page { id } some { id } }')).toBeUndefined();
  });

  test.each([
    ['a page within a page', '{ page { page(first: 101) { id } } }', {}, 'first: expected 1 to 100, got 101'],
    ['a last page', 'query ($n: Int) { page(last: $n) { id } }', { n: 101 }, 'last: expected 1 to 100, got 101'],
    [
      'a list in an input',
      'query ($filter: Filter) { some(filter: $filter) { id } }',
      { filter: { name: 'x', not: { ids: long } } },
      'filter: expected at most 100 items in a list, got 101',
    ],
    [
      'a list in a list, in an input written in the document',
      'query ($group: [Int]) { some(filter: { groups: [[1], $group] }) { id } }',
      { group: long },
      'filter: expected at most 100 items in a list, got 101',
    ],
  ])('the check counts %s', (_what, query, given, problem) => {
    expect(find(query, given)).toBe(problem);
  });

  test.each([
    ['a single value in place of a list', 'query ($ids: [ID!]) { some(ids: $ids) { id } }', { ids: 'a' }],
    ['null', 'query ($ids: [ID!], $n: Int) { some(ids: $ids) { id } page(first: $n) { id } }', { ids: null, n: null }],
    ['nothing', 'query ($ids: [ID!], $filter: Filter) { some(ids: $ids, filter: $filter) { id } }', {}],
    [
      'values of wrong types, which coercion refuses',
      'query ($filter: Filter, $n: Int) { some(filter: $filter) { id } page(first: $n) { id } }',
      { filter: { ids: { length: 101 }, groups: 'x', not: [long] }, n: '101' },
    ],
    ['another operation', 'query A { page(first: 1) { id } } query B { page(first: 101) { id } }', {}],
  ])('the check does not count %s', (_what, query, given) => {
    expect(find(query, given)).toBeNull();
  });
});
