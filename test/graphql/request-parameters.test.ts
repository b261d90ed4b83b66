import { afterAll, describe, expect, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const EXAMPLE = '{"query": "{ __typename }"}';
const NO_OBJECT = `body: expected a JSON object such as ${EXAMPLE}, got`;
const TWO = 'query A { __typename } query B { __typename }';

interface Refusal {
  readonly message: string;
  readonly code?: string;
  readonly status?: number;
}

const BODIES: Readonly<Record<string, Refusal>> = {
  '{': { message: `${NO_OBJECT} text that is not JSON` },
  '': { message: `${NO_OBJECT} text that is not JSON` },
  null: { message: `${NO_OBJECT} null` },
  '1': { message: `${NO_OBJECT} a number` },
  '[{"query":"{ __typename }"}]': {
    message: 'body: expected one JSON object, got a list. Send each operation by itself.',
  },
  '{"qurey":"{ __typename }"}': {
    message: 'body: expected only query, variables, operationName and extensions, got "qurey"',
  },
  '{}': { message: `query: expected a GraphQL document, got none. Send a body such as ${EXAMPLE}.` },
  '{"query":1}': { message: 'query: expected a GraphQL document, got a number' },
  '{"query":["{ a }"]}': { message: 'query: expected a GraphQL document, got a list' },
  '{"query":"{ __typename }","variables":"{}"}': { message: 'variables: expected an object or null, got a string' },
  '{"query":"{ __typename }","extensions":[]}': { message: 'extensions: expected an object or null, got a list' },
  '{"query":"{ __typename }","operationName":{}}': {
    message: 'operationName: expected a string or null, got an object',
  },
  [JSON.stringify({ query: TWO, operationName: 'C' })]: {
    message: `operationName: expected the name of one of the document's operations, got "C"`,
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 200,
  },
  [JSON.stringify({ query: TWO })]: {
    message: `operationName: expected the name of one of the document's operations, got none`,
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 200,
  },
  '{"query":"subscription { a }"}': {
    message: 'query: expected a query or a mutation, got a subscription',
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 200,
  },
};

const FORMS: Readonly<Record<string, string>> = {
  'variables={': 'variables, extensions: expected JSON objects, got text that is not JSON',
  'query={ __typename }&variables=[]': 'variables: expected an object or null, got a list',
  'a=b':
    'query: expected a GraphQL document, got none. A body of type application/x-www-form-urlencoded was read; for a JSON ' +
    'body send Content-Type: application/json.',
};

async function send(path: string, init: RequestInit) {
  const answer = await fetch(new URL(path, gateway.url), {
    ...init,
    headers: { ...(init.headers as Record<string, string>), Authorization: `Bearer ${gateway.token}` },
  });
  const { errors } = (await answer.json()) as {
    errors: { message: string; extensions: Record<string, unknown> }[];
  };
  const [error] = errors;
  return { answer, message: error?.message, extensions: error?.extensions };
}

describe('a malformed request', () => {
  const types = ['application/json', 'application/graphql+json'];
  test.each(Object.entries(BODIES).flatMap(([body, refusal]) => types.map((type) => ({ body, type, ...refusal }))))(
    'is told what is wrong with $body as $type, and what is expected',
    async ({ body, type, message, code = 'BAD_REQUEST', status = 400 }) => {
      const sent = await send('/graphql', { method: 'POST', body, headers: { 'Content-Type': type } });
      expect([sent.message, sent.answer.status]).toEqual([message, status]);
      expect(sent.extensions).toMatchObject({ code, outcome: 'NOT_SENT', retryable: false });
    },
  );

  test.each(Object.entries(FORMS))('is told what is wrong with the form %s', async (body, message) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await send('/graphql', { method: 'POST', body, headers })).message).toBe(message);
  });

  test('is told to send a mutation with POST', async () => {
    const { answer, message } = await send('/graphql?query=mutation{__typename}', {});
    expect(message).toBe('query: expected a query with the method GET, got a mutation. Send it with POST.');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('is told to send the query of a GET in the URL', async () => {
    const { message } = await send('/graphql', {});
    expect(message).toBe('query: expected a GraphQL document, got none. Send it as the parameter query of the URL.');
  });
});
