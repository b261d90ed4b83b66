import { getIntrospectionQuery } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const production = await startStoreGateway({ mode: 'serve' });
const open = await startStoreGateway();
afterAll(() => Promise.all([open, production].map((gateway) => gateway.close())));

const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';

/** Misspelled names that graphql-js answers with a suggestion, unless that is off. */
const MISSPELLINGS: readonly (readonly [string, object])[] = [
  ['a field', { query: '{ accountTusk(id: "x") { id } }' }],
  ['an argument', { query: '{ accountTasks(furst: 1) { edges { cursor } } }' }],
  ['a type', { query: 'query ($i: CreateAccountTaskInputs) { __typename }' }],
  ['an input field in the document', { query: 'mutation { createAccountTask(input: { taskid: "x" }) { replayed } }' }],
  ['an input field in a variable', { query: CREATE, variables: { input: { ...SAMPLE_INPUT, taskid: 'x' } } }],
  ['the type of a fragment', { query: '{ ...F } fragment F on Querry { __typename }' }],
];

test.each(MISSPELLINGS)('the demo suggests the right name for a misspelling of %s', async (_what, body) => {
  expect((await open.graphql(body)).text).toContain('Did you mean');
});

describe('production', () => {
  test.each(MISSPELLINGS)('production suggests no name for a misspelling of %s', async (_what, body) => {
    for (const _ of ['once', 'and again']) {
      const { text, json } = await production.graphql(body);
      expect(json.errors?.length).toBeGreaterThan(0);
      expect(text).not.toContain('Did you mean');
    }
  });

  test.each([
    ['the whole schema', getIntrospectionQuery()],
    ['a type by its name', '{ __type(name: "AccountTask") { fields { name } } }'],
    ['the schema through an alias', '{ harmless: __schema { types { name } } }'],
    ['the schema in a fragment', '{ ...F } fragment F on Query { __schema { types { name } } }'],
  ])('production does not reveal %s', async (_what, query) => {
    for (const _ of ['once', 'and again']) {
      const { json } = await production.graphql({ query });
      expect(json.data).toBeUndefined();
      expect(json.errors?.[0]?.message).toContain('introspection');
    }
  });

  test('production still answers __typename, which clients need', async () => {
    expect((await production.graphql({ query: '{ __typename }' })).json.data).toEqual({ __typename: 'Query' });
  });
});
