import { buildSchema, getIntrospectionQuery, parse } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { DOCUMENT_LIMITS } from '../../src/graphql/limits/document-limits.ts';
import { measureOperations } from '../../src/graphql/limits/document-limits.ts';
import { type RunningGateway, startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const { characters, tokens, nesting, depth, aliases, directives, cost } = DOCUMENT_LIMITS;
const times = (count: number, text: string | ((index: number) => string)): string =>
  Array.from({ length: count }, (_, index) => (typeof text === 'string' ? text : text(index))).join(' ');

/** Writers of valid documents with exactly the given size. */
const DOCUMENTS: readonly (readonly [string, number, (size: number) => string, string])[] = [
  ['characters', characters, (size) => `{__typename}#${'x'.repeat(size - 13)}`, `more than ${characters} characters`],
  [
    'tokens',
    tokens,
    (size) =>
      `{_entities(representations:[{__typename:"AccountTask",id:"${SAMPLE_TASK_ID}",more:[${times(size - 24, '1')}]}]){__typename}}`,
    `more than ${tokens} tokens`,
  ],
  ['brackets', nesting, (size) => `${'{...'.repeat(size - 1)}{__typename${'}'.repeat(size)}`, `deeper than ${nesting}`],
  [
    'nested fields',
    depth,
    (size) => `{__schema{types{${times(size - 3, 'ofType{')}name${'}'.repeat(size - 3)}}}}`,
    `deeper than ${depth} levels`,
  ],
  ['aliases', aliases, (size) => `{${times(size, (index) => `a${index}:__typename`)}}`, `more than ${aliases} aliases`],
  [
    'aliases, in a fragment used twice',
    aliases,
    (size) =>
      `{...F ...F ${times(size - aliases, 'b:__typename')}} fragment F on Query{${times(aliases / 2, (index) => `a${index}:__typename`)}}`,
    `more than ${aliases} aliases`,
  ],
  [
    'directives',
    directives,
    (size) => `query($on:Boolean=true){${times(size, '__typename@include(if:$on)')}}`,
    `more than ${directives} directives`,
  ],
  [
    'directives, in a fragment used twice',
    directives,
    (size) =>
      `{...F ...F ${times(size - directives, '__typename@skip(if:false)')}} fragment F on Query{${times(directives / 2, '__typename@skip(if:false)')}}`,
    `more than ${directives} directives`,
  ],
  [
    'fields of pages',
    cost,
    (size) => {
      const pages = (count: number, first: number) =>
        times(count, (index) => `a${first}${index}:accountTasks(first:${first}){edges{node{${times(15, 'id')}}}}`);
      const left = size - 5 * (1 + 100 * 17) - 1;
      return `{${pages(5, 100)} ${pages(1, Math.floor(left / 17))} ${times(left % 17, '__typename')}}`;
    },
    `with ${cost + 1} fields, and more than ${cost} are not`,
  ],
];

/** The names of limits that differ from what they count. */
const NAMES: Readonly<Record<string, string>> = {
  brackets: 'nesting',
  'nested fields': 'depth',
  'fields of pages': 'cost',
};

/** The number of refused documents by limit. */
async function countRefusals({ url }: RunningGateway): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(new URL('metrics', url))).text();
  const lines = text.matchAll(/^gateway_refusals_total\{limit="document_(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, limit = '', count]) => [limit, Number(count)]));
}

describe('the limits of a document', () => {
  test.each(DOCUMENTS)(
    'a document may have as many %s as the limit and not one more',
    async (what, limit, write, problem) => {
      const before = await countRefusals(gateway);
      for (const _ of ['once', 'again']) {
        const allowed = await gateway.graphql({ query: write(limit) });
        expect(allowed.json.errors).toBeUndefined();
        const refused = await gateway.graphql({ query: write(limit + 1) });
        expect(refused.json.errors).toMatchObject([
          { message: expect.stringContaining(problem), extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' } },
        ]);
        expect(refused.json.data).toBeUndefined();
      }
      const name = NAMES[what] ?? what.replace(/,.*/, '');
      expect(await countRefusals(gateway)).toEqual({ ...before, [name]: (before[name] ?? NaN) + 2 });
    },
  );

  test.each([
    ['an introspection query', getIntrospectionQuery()],
    [
      'a complete introspection query',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
  ])('a document may be %s', async (_what, query) => {
    const { json } = await gateway.graphql({ query });
    expect(json.errors).toBeUndefined();
    expect(json.data).toHaveProperty('__schema.types');
  });

  test('a document may not nest introspection fields without end', async () => {
    const query = `{__schema{types{${'fields{type{'.repeat(4)}name${'}}'.repeat(4)}}}}`;
    const { json } = await gateway.graphql({ query });
    expect(json.errors?.[0]?.message).toContain('introspection depth');
  });

  test('a document over a limit is refused with 400 in application/graphql-response+json', async () => {
    const accept = 'application/graphql-response+json';
    const { status } = await gateway.graphql(
      { query: `{${times(aliases + 1, (i) => `a${i}:__typename`)}}` },
      { accept },
    );
    expect(status).toBe(400);
  });
});

describe('the size of an operation', () => {
  const schema = buildSchema(`
    type Query { page(first: Int, last: Int): Page all: [Item] some(ids: [ID!]!): [Item] item: Item node: Node }
    type Page { items: [Item] } type Item implements Node { id: ID item: Item page(first: Int): Page } interface Node { id: ID }
  `);
  const measure = (document: string) => measureOperations(schema, parse(document));

  test.each([
    ['{ item { id } }', { depth: 2, cost: 2 }],
    ['{ item { item { item { id } } } }', { depth: 4, cost: 4 }],
    [`{ page { items { ${'a'.repeat(201)}: id } } }`, { depth: 3, cost: 1 + 20 * 4, aliases: 1 }],
    [`{ ${'a'.repeat(100)}: item { id } }`, { depth: 2, cost: 2, aliases: 1 }],
    ['{ ...{ ...{ item { ...{ id } } } } }', { depth: 2, cost: 2 }],
    ['{ page { items { id } } }', { depth: 3, cost: 1 + 20 * 2 }],
    ['{ page(first: 3) { items { id } } }', { depth: 3, cost: 1 + 3 * 2 }],
    ['{ page(first: null) { items { id } } }', { depth: 3, cost: 1 + 20 * 2 }],
    ['{ page { items { id } } }', { depth: 3, cost: 1 + 20 * 2 }],
    ['{ page(last: 3) { items { id } } }', { depth: 3, cost: 1 + 3 * 2 }],
    ['query ($f: Int, $l: Int) { page(first: $f, last: $l) { items { id } } }', { depth: 3, cost: 1 + 100 * 2 }],
    ['{ page(first: -3) { items { id } } }', { depth: 3, cost: 1 + 2 }],
    [`{ page(first: ${'9'.repeat(400)}) { items { id } } }`, { depth: 3, cost: 2_000_001 }],
    ['query ($n: Int) { page(first: $n) { items { id } } }', { depth: 3, cost: 1 + 100 * 2 }],
    ['{ some(ids: ["a", "b"]) { id } }', { depth: 2, cost: 1 + 2 }],
    ['{ some(ids: "a") { id } }', { depth: 2, cost: 1 + 1 }],
    ['query ($ids: [ID!]!) { some(ids: $ids) { id } }', { depth: 2, cost: 1 + 100 }],
    [
      '{ item { page(first: 2) { items { page(first: 3) { items { id } } } } } }',
      { depth: 6, cost: 2 + 2 * (1 + 1 + 6) },
    ],
    ['{ node { ... on Item { page(first: 2) { items { id } } } } }', { depth: 4, cost: 2 + 4 }],
    [
      '{ ...P } fragment P on Query { page(first: 2) { ...I } } fragment I on Page { items { id } }',
      { depth: 3, cost: 5 },
    ],
    ['{ ...A ...A } fragment A on Query { a: item { id } }', { depth: 2, cost: 4, aliases: 2 }],
    ['{ nope(first: 9) { id } page { nope { id } } }', { depth: 3, cost: 2 + 1 + 20 * 2 }],
    ['{ ...Gone item { id } }', { depth: 2, cost: 2 }],
    ['{ ...A } fragment A on Query { item { id } ...B } fragment B on Query { ...A }', { depth: 2, cost: 2 }],
    [
      'query ($n: Int @a @b) @c { item @d { ...F @e ... @f { id } } } fragment F on Item @g { id @h }',
      { directives: 8 },
    ],
    ['{ a: item { b: id } ... { c: item { id } } }', { aliases: 3 }],
    ['mutation { nothing }', { cost: 1 }],
  ])('the size of %s is measured', (document, size) => {
    expect(measure(document)).toMatchObject([size]);
  });

  test('every operation of a document is measured', () => {
    expect(measure('query A { item { id } } query B { all { id item { id } } }')).toMatchObject([
      { cost: 2 },
      { cost: 4 },
    ]);
  });

  test('forty levels of fragments that double their content are measured at once', () => {
    const fragments = times(40, (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`);
    expect(measure(`{ ...F0 } ${fragments} fragment F40 on Query { a: __typename }`)).toMatchObject([
      { aliases: 2 ** 40, cost: 2 ** 40 },
    ]);
  });
});
