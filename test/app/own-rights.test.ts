import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { readExposition, valueOf } from '../support/exposition.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { type RestRequest, startRestService } from '../support/rest-service.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';

const ID = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
const FACTS = '... on WriteFailure { code outcome retryable message }';
const UPDATE = {
  query: `mutation ($id: ID!, $input: UpdateAccountTaskInput!) { try: tryUpdateAccountTask(id: $id, input: $input) { __typename ${FACTS} } }`,
  variables: { id: ID, input: { ...SAMPLE_INPUT, enabled: true } },
};
const RUN = { query: `mutation { try: tryRunAccountTask(id: "${ID}") { __typename ${FACTS} } }` };
const CLIENT = {
  query: `mutation ($input: CreateClientInput!) { try: tryCreateClient(input: $input) { ... on CreateClientPayload { secret } ${FACTS} } }`,
  variables: { input: { name: 'a client', userId: ID } },
};

const key = await createKey('one');
const issuer = await startIssuer(key);
let requests: RestRequest[] = [];
const service = await startRestService({
  answer(request) {
    if (request.path === '/Token')
      return { status: 200, body: JSON.stringify({ access_token: 'own-token', token_type: 'bearer' }) };
    requests.push(request);
    return null;
  },
});
const OWN = {
  UPSTREAM_URL: service.url.href,
  UPSTREAM_CLIENT_ID: 'gateway',
  UPSTREAM_CLIENT_SECRET: 'hunter2-secret',
  AUTH_JWKS_URL: issuer.jwksUrl.href,
  AUTH_ISSUER: ISSUER,
  AUTH_AUDIENCE: AUDIENCE,
  RECORD: 'off',
};
const open = (env: Record<string, string>) => startGateway(openBackend, { env });
const own = await open(OWN);
const generous = await open({ ...OWN, ALLOW_CREATE_CLIENT: 'on' });
const forwarding = await open({ UPSTREAM_URL: service.url.href, RECORD: 'off' });
afterAll(async () => {
  for (const part of [own, generous, forwarding, service, issuer]) await part.close();
});
beforeEach(() => {
  requests = [];
});

async function resultOf(gateway: RunningGateway, request: object) {
  const { json } = await gateway.graphql(request, { authorization: `Bearer ${await signJwt(key, {})}` });
  return (json.data as { readonly try: unknown } | null)?.try;
}

describe('a gateway with credentials of its own at the service', () => {
  test.each([
    ['updates', UPDATE],
    ['runs', RUN],
  ])('refuses %s if it keeps no records, because it cannot tell whose task it is', async (_, request) => {
    expect(await resultOf(own, request)).toMatchObject({
      code: 'NOT_SUPPORTED',
      outcome: 'NOT_SENT',
      retryable: false,
      message: expect.stringContaining('RECORD=off') as string,
    });
    expect(requests).toEqual([]);
  });

  test('creates no client, unless ALLOW_CREATE_CLIENT is on', async () => {
    expect(await resultOf(own, CLIENT)).toMatchObject({
      code: 'FORBIDDEN',
      outcome: 'NOT_SENT',
      retryable: false,
      message: expect.stringContaining('ALLOW_CREATE_CLIENT=on') as string,
    });
    expect(requests).toEqual([]);
    expect(await resultOf(generous, CLIENT)).toEqual({ secret: expect.stringMatching(/^[\w-]{43}$/) as string });
    expect(requests.map(({ path, headers }) => `${path} ${headers.authorization}`)).toEqual([
      '/api/v1/admin/clients Bearer own-token',
    ]);
  });
});

test('a gateway that forwards credentials lets the service decide', async () => {
  const NOT_FOUND = { code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED' };
  expect(await resultOf(forwarding, UPDATE)).toMatchObject(NOT_FOUND);
  expect(await resultOf(forwarding, RUN)).toMatchObject(NOT_FOUND);
  expect(await resultOf(forwarding, CLIENT)).toHaveProperty('secret');
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `PUT /api/v1/admin/tasks/account/${ID}`,
    `POST /api/v1/admin/tasks/account/run?id=${ID}`,
    'POST /api/v1/admin/clients',
  ]);
});

test('writes other than creates are counted by operation, with their paths at the service', async () => {
  const families = readExposition(await (await fetch(new URL('metrics', forwarding.url))).text());
  const countOf = (labels: Record<string, string>) =>
    valueOf(families, 'gateway_other_writes_total', { backend: 'upstream', ...labels });
  const NOT_FOUND = { code: 'ACCOUNT_TASK_NOT_FOUND', outcome: 'REJECTED' };
  expect(countOf({ operation: 'update', ...NOT_FOUND })).toBe(1);
  expect(countOf({ operation: 'run', ...NOT_FOUND })).toBe(1);
  expect(countOf({ operation: 'createClient', code: 'OK', outcome: 'DONE' })).toBe(1);
  expect(countOf({ operation: 'run', code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' })).toBe(0);
  const paths = [
    '/api/v1/admin/tasks/account/{id}',
    '/api/v1/admin/tasks/account/run?id={id}',
    '/api/v1/admin/clients',
  ];
  const calls = paths.map((path) => {
    const result = path.endsWith('clients') ? '2xx' : '4xx';
    return valueOf(families, 'gateway_upstream_call_duration_seconds_count', { path, result });
  });
  expect(calls).toEqual([1, 1, 1]);
});
