import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateways = {
  'with the fast lane': await startStoreGateway({ mode: 'serve' }),
  'without the fast lane': await startStoreGateway({ mode: 'serve', env: { FAST_LANE: 'off' } }),
};
afterAll(() => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

const PAGE = 'query ($n: Int!) { accountTasks(first: $n) { edges { cursor } } }';
const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';

/** Requests in GraphQL's terms that never run. */
const REFUSED = [
  ['a syntax error', { query: '{' }],
  ['an invalid document', { query: '{ nope }' }],
  ['a document over a limit', { query: `{ ${'__typename '.repeat(3_001)} }` }],
  ['introspection where it is off', { query: '{ __schema { queryType { name } } }' }],
  ['a variable of the wrong type', { query: PAGE, variables: { n: 'x' } }],
  ['a variable that is missing', { query: PAGE }],
  ['a variable of a create that is wrong', { query: CREATE, variables: { input: { ...SAMPLE_INPUT, frequency: 1 } } }],
  ['an operation that is not there', { query: 'query A { __typename }', operationName: 'B' }],
  ['no operation of two', { query: 'query A { __typename } query B { __typename }' }],
  ['a subscription', { query: 'subscription { x }' }],
  ['a hash without a text', { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }],
] as const;

/** Requests that are no GraphQL requests at all. */
const MALFORMED = [
  ['no query', {}],
  ['a query that is a number', { query: 1 }],
  ['variables that are a list', { query: PAGE, variables: [] }],
  ['an operation name that is a number', { query: '{ __typename }', operationName: 1 }],
  ['a parameter that is unknown', { query: '{ __typename }', documentId: 'x' }],
] as const;

const pageField = (_: unknown, index: number): string => `a${index}: accountTasks { edges { cursor } }`;

/** Operations that run and fail. */
const FAILED = [
  ['a create that is refused', { query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters: '{' } } }],
  ['a query for more pages than one may ask for', { query: `{ ${Array.from({ length: 11 }, pageField).join(' ')} }` }],
] as const;

const GRAPHQL = { accept: 'application/graphql-response+json' };
const JSON_ONLY = { accept: 'application/json' };

describe.each(Object.entries(gateways))('%s', (_name, { graphql }) => {
  test.each(REFUSED)('%s is answered with 400, and with 200 where JSON is accepted', async (_what, body) => {
    for (const _ of ['first', 'again']) {
      const refused = await graphql(body, GRAPHQL);
      expect(refused.status).toBe(400);
      expect(refused.json.errors?.[0]?.extensions).toMatchObject({ outcome: 'NOT_SENT', retryable: false });
      expect(refused.json).not.toHaveProperty('data');
      const inJson = await graphql(body, JSON_ONLY);
      expect(inJson.status).toBe(200);
      expect(inJson.json).not.toHaveProperty('data');
    }
  });

  test.each(MALFORMED)('%s is answered with 400 whatever is accepted', async (_what, body) => {
    for (const headers of [GRAPHQL, JSON_ONLY])
      expect(await graphql(body, headers)).toMatchObject({
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT' } }] },
      });
  });

  test.each(FAILED)('%s ran, and is answered with 200 and data whatever is accepted', async (_what, body) => {
    for (const headers of [GRAPHQL, JSON_ONLY, GRAPHQL, JSON_ONLY]) {
      const { status, json } = await graphql(body, headers);
      expect({ status, data: json.data }).toEqual({ status: 200, data: null });
      expect(json.errors).toHaveLength(1);
    }
  });
});
