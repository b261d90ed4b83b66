import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateways = {
  'the demo': await startStoreGateway(),
  production: await startStoreGateway({ mode: 'serve' }),
};
afterAll(() => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

const LIST = gql`query List { accountTasks(first: 1) { edges { cursor } } }`;
const PUBLIC = gql`query Public { _service { sdl } }`;
const CREATE = gql`mutation Create($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.each(Object.entries(gateways))('automatic persisted queries at %s', (_name, gateway) => {
  test.each([
    [false, 'bearer token', { authorization: `Bearer ${gateway.token}` }],
    [true, 'bearer token', { authorization: `Bearer ${gateway.token}` }],
    [true, 'header against forgery', { 'apollo-require-preflight': 'true' }],
  ])('Apollo Client (hashes by GET: %s, with a %s) sends texts after one hash', async (byGet, _what, headers) => {
    const sent: string[] = [];
    const http = new HttpLink({
      uri: new URL('graphql', gateway.url).href,
      headers,
      async fetch(url, init) {
        const request = new Request(url, init);
        const parameters = request.url + (await request.clone().text());
        sent.push(`${request.method} ${/[?&"]query[="]/.test(parameters) ? 'text' : 'hash'}`);
        return fetch(request);
      },
    });
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: byGet }).concat(http);
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    expect((await client.query({ query: PUBLIC })).data).toHaveProperty('_service.sdl');
    expect(sent).toEqual([`${byGet ? 'GET' : 'POST'} hash`, 'POST text']);
    if (!('authorization' in headers)) return;
    expect((await client.query({ query: LIST })).data).toHaveProperty('accountTasks.edges');
    const { data } = await client.mutate({ mutation: CREATE, variables: { input: SAMPLE_INPUT } });
    expect(data).toMatchObject({ createAccountTask: { replayed: false } });
    expect(sent.slice(2)).toEqual(['POST text', 'POST text']);
  });

  test('a hash without a text is refused with PersistedQueryNotSupported', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: sha256('{ __typename }') } };
    const refusal = {
      message: 'PersistedQueryNotSupported',
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', outcome: 'NOT_SENT', retryable: false },
    };
    expect((await gateway.graphql({ variables: {}, extensions })).json).toMatchObject({ errors: [refusal] });
    const url = new URL(`graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`, gateway.url);
    const answer = await fetch(url, { headers: { 'apollo-require-preflight': 'true' } });
    expect(await answer.json()).toMatchObject({ errors: [refusal] });
  });

  test('a text with its hash runs', async () => {
    const query = '{ __typename }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
    expect((await gateway.graphql({ query, extensions })).json).toEqual({ data: { __typename: 'Query' } });
  });
});
