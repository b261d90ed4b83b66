import { request } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import type { GraphqlAnswer, StoreGateway } from '../support/running-gateway.ts';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateways = {
  'in production': await startStoreGateway({ mode: 'serve' }),
  'in the demo': await startStoreGateway(),
};
const { 'in production': production, 'in the demo': demo } = gateways;
afterAll(() => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

interface Received {
  readonly status: number;
  readonly json: GraphqlAnswer;
}

/** Sends exactly these headers; fetch adds its own. */
function send(
  { url }: StoreGateway,
  method: string,
  headers: Record<string, string>,
  { search = '', body = '' }: { readonly search?: string; readonly body?: string | Buffer },
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(`graphql${search}`, url), { method, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, json: JSON.parse(text) as GraphqlAnswer }));
    });
    outgoing.on('error', reject).end(body);
  });
}

const MUTATION =
  'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
const BODY = JSON.stringify({ query: MUTATION, variables: { input: SAMPLE_INPUT } });
const FORM = new URLSearchParams({ query: MUTATION, variables: JSON.stringify({ input: SAMPLE_INPUT }) }).toString();
const BASIC = { authorization: 'Basic dXNlcjpwYXNzd29yZA==' };
const SEARCH = `?query=${encodeURIComponent('{ __typename }')}`;

async function countTasks({ graphql }: StoreGateway): Promise<number> {
  const { json } = await graphql({ query: '{ accountTasks(first: 100) { edges { cursor } } }' });
  return (json.data as unknown as { accountTasks: { edges: unknown[] } }).accountTasks.edges.length;
}

const REFUSAL = {
  status: 403,
  json: { errors: [{ extensions: { code: 'FORBIDDEN', outcome: 'NOT_SENT', retryable: false } }] },
};

describe.each(Object.entries(gateways))('%s, a POST that any page could send', (_name, gateway) => {
  test.each([
    ['text/plain', { 'content-type': 'text/plain' }, BODY],
    ['text/plain with a charset', { 'content-type': 'text/plain;charset=UTF-8' }, BODY],
    ['text/plain in capitals', { 'content-type': 'Text/PLAIN' }, BODY],
    ['text/plain that mentions JSON', { 'content-type': 'text/plain; a=, application/json' }, BODY],
    ['text/plain before JSON', { 'content-type': 'text/plain,application/json' }, BODY],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, FORM],
    ['a form with a charset', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, FORM],
    [
      'a multipart form',
      { 'content-type': 'multipart/form-data; boundary=x' },
      `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${BODY}\r\n--x--\r\n`,
    ],
    ['no type', {}, BODY],
    ['a blank type', { 'content-type': '' }, BODY],
    [
      "a form with the browser's stored password",
      { 'content-type': 'application/x-www-form-urlencoded', ...BASIC },
      FORM,
    ],
  ])('is refused: %s', async (_what, headers, body) => {
    const before = await countTasks(gateway);
    for (const _ of [1, 2]) expect(await send(gateway, 'POST', headers, { body })).toMatchObject(REFUSAL);
    expect(await countTasks(gateway)).toBe(before);
  });
});

describe('a GET that any page could send', () => {
  test.each([
    ['from an image, a script or the address bar', {}],
    ['from a page', { origin: 'https://evil.example' }],
    ["with the browser's stored password", BASIC],
    ['with a simple type', { 'content-type': 'text/plain' }],
    ['for any type', { accept: 'application/json, text/plain, */*' }],
  ])('is refused in production: %s', async (_what, headers) => {
    expect(await send(production, 'GET', headers, { search: SEARCH })).toMatchObject(REFUSAL);
  });

  test('is answered in the demo, where it is handy for trying a query', async () => {
    for (const headers of [{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }])
      expect(await send(demo, 'GET', headers, { search: SEARCH })).toMatchObject({ status: 200 });
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'anything' }],
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
  ])('is refused in the demo, too, if a browser marks it as cross-origin: %o', async (headers) => {
    expect(await send(demo, 'GET', headers, { search: SEARCH })).toMatchObject(REFUSAL);
  });

  test.each(Object.entries(gateways))('cannot create %s', async (_name, gateway) => {
    const before = await countTasks(gateway);
    const search = `?${FORM}`;
    const { authorization } = { authorization: `Bearer ${gateway.token}` };
    for (const headers of [{ authorization }, { authorization, 'apollo-require-preflight': '1' }]) {
      const { status, json } = await send(gateway, 'GET', headers, { search });
      expect(status).toBe(405);
      expect(json.errors?.[0]?.extensions['outcome']).toBe('NOT_SENT');
    }
    expect(await countTasks(gateway)).toBe(before);
  });
});

describe('a request that needs a preflight', () => {
  test.each([
    ['apollo-require-preflight', 'true'],
    ['x-apollo-operation-name', 'Tasks'],
    ['x-graphql-yoga-csrf', ''],
    ['authorization', 'Bearer x'],
    ['content-type', 'application/json'],
  ])('is answered: a GET with %s: %s', async (name, value) => {
    const answer = await send(production, 'GET', { [name]: value }, { search: SEARCH });
    expect(answer).toMatchObject({ status: 200, json: { data: { __typename: 'Query' } } });
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'application/graphql+json'])(
    'is answered: a POST of %s',
    async (type) => {
      const answer = await send(production, 'POST', { 'content-type': type }, { body: '{"query":"{ __typename }"}' });
      expect(answer).toMatchObject({ status: 200, json: { data: { __typename: 'Query' } } });
    },
  );
});
