import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const { graphql, close } = await startStoreGateway({ mode: 'serve' });
afterAll(() => close());

const PAGE = 'query ($n: Int!) { accountTasks(first: $n) { edges { cursor } } }';
const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';

/** Well-formed requests that are refused before they run. */
const REFUSED = [
  ['a syntax error', { query: '{' }],
  ['an invalid document', { query: '{ nope }' }],
  ['a document over a limit', { query: `{ ${'__typename '.repeat(3_001)} }` }],
  ['introspection although it is off', { query: '{ __schema { queryType { name } } }' }],
  ['a variable of the wrong type', { query: PAGE, variables: { n: 'x' } }],
  ['a missing variable', { query: PAGE }],
  ['a create with a wrong variable', { query: CREATE, variables: { input: { ...SAMPLE_INPUT, frequency: 1 } } }],
  ['an unknown operationName', { query: 'query A { __typename }', operationName: 'B' }],
  ['two operations without an operationName', { query: 'query A { __typename } query B { __typename }' }],
  ['a subscription', { query: 'subscription { x }' }],
  ['a persisted hash without a text', { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }],
] as const;

/** Bodies that are not GraphQL requests. */
const MALFORMED = [
  ['no query', {}],
  ['a query that is a number', { query: 1 }],
  ['variables that are a list', { query: PAGE, variables: [] }],
  ['an operation name that is a number', { query: '{ __typename }', operationName: 1 }],
  ['an unknown parameter', { query: '{ __typename }', documentId: 'x' }],
] as const;

const pageField = (_: unknown, index: number): string => `a${index}: accountTasks { edges { cursor } }`;

/** Operations that run and fail. */
const FAILED = [
  ['a refused create', { query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters: '{' } } }],
  ['a query for too many pages', { query: `{ ${Array.from({ length: 11 }, pageField).join(' ')} }` }],
] as const;

const GRAPHQL = { accept: 'application/graphql-response+json' };
const JSON_ONLY = { accept: 'application/json' };

describe('the status of an answer', () => {
  test.each(REFUSED)('answers %s with 400, and with 200 in application/json', async (_what, body) => {
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

  test.each(MALFORMED)('answers %s with 400 in both media types', async (_what, body) => {
    for (const headers of [GRAPHQL, JSON_ONLY])
      expect(await graphql(body, headers)).toMatchObject({
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT' } }] },
      });
  });

  test.each(FAILED)('answers %s, which ran, with 200 and data in both media types', async (_what, body) => {
    for (const headers of [GRAPHQL, JSON_ONLY, GRAPHQL, JSON_ONLY]) {
      const { status, json } = await graphql(body, headers);
      expect({ status, data: json.data }).toEqual({ status: 200, data: null });
      expect(json.errors).toHaveLength(1);
    }
  });
});
