import { afterAll, expect, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from '../../support/running-gateway.ts';
import { startRestService } from '../../support/rest-service.ts';

const CREATE = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { accountTask { id detail } }
}`;
const LOOK_UP = `query ($key: String!) { writeOutcome(idempotencyKey: $key) {
  operation state accountTask { id detail } failure { __typename code outcome retryable message requestId } firstTriedAt expiresAt
  requestId settledBy
} }`;
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const KNOWN = { operation: 'CREATE_ACCOUNT_TASK', firstTriedAt: TIME, expiresAt: TIME, settledBy: null };

interface Created {
  readonly createAccountTask: { readonly accountTask: object };
}

/** The answers of the service to creates by their Parameters. */
const ENDS: Readonly<Record<string, { readonly status: number; readonly body: string }>> = {
  '"fails"': { status: 500, body: '' },
  '"refuses"': { status: 400, body: '' },
};
const waiting = Promise.withResolvers<null>();
const arrived = Promise.withResolvers<void>();
const service = await startRestService({
  answer: ({ body }) => {
    const { Parameters } = JSON.parse(body.toString()) as { readonly Parameters: string };
    if (Parameters !== '"waits"') return ENDS[Parameters] ?? null;
    arrived.resolve();
    return waiting.promise;
  },
});
const env = { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' };
const upstream = await startGateway(openBackend, { env, authorization: 'Bearer a' });
const unrecorded = await startGateway(openBackend, { env: { ...env, RECORD: 'off' }, authorization: 'Bearer a' });
const store = await startStoreGateway();
afterAll(() => Promise.all([upstream, unrecorded, store, service].map((part) => part.close())));

function create(gateway: RunningGateway, key: string, parameters = '1') {
  const variables = { input: { ...SAMPLE_INPUT, parameters }, key };
  return gateway.graphql({ query: CREATE, variables }, { 'x-request-id': `of-${key}` });
}

async function lookUp(gateway: RunningGateway, key: string, headers = {}): Promise<unknown> {
  const { json } = await gateway.graphql({ query: LOOK_UP, variables: { key } }, headers);
  return json.errors?.[0] ?? json.data?.['writeOutcome'];
}

test.each([
  ['the store', store],
  ['a recorded upstream', upstream],
])('%s tells that a create succeeded, with its task, and sends nothing', async (_name, gateway) => {
  const { json } = await create(gateway, 'good');
  const { accountTask } = (json.data as unknown as Created).createAccountTask;
  const sent = service.requests.length;
  const succeeded = { ...KNOWN, state: 'SUCCEEDED', accountTask, failure: null, requestId: 'of-good' };
  expect(await lookUp(gateway, 'good')).toEqual(succeeded);
  expect(await lookUp(gateway, 'other')).toBeNull();
  expect(service.requests).toHaveLength(sent);
});

test('a create of unknown fate has its failure, with the request that sent it, until somebody settles it', async () => {
  await create(upstream, 'bad', '"fails"');
  expect(await lookUp(upstream, 'bad')).toEqual({
    ...KNOWN,
    state: 'UNKNOWN',
    accountTask: null,
    failure: {
      __typename: 'CreateAccountTaskFailure',
      code: 'UPSTREAM_FAILED',
      outcome: 'UNKNOWN',
      retryable: false,
      message: expect.any(String) as string,
      requestId: 'of-bad',
    },
    requestId: 'of-bad',
  });
  expect(await lookUp(upstream, 'bad', { authorization: 'Bearer b' })).toBeNull();
  const metrics = await (await fetch(new URL('metrics', upstream.url))).text();
  expect(metrics).toMatch(/^gateway_unsettled_attempts 1$/m);
});

test('a create that is under way is in progress', async () => {
  const creating = create(upstream, 'slow', '"waits"');
  await arrived.promise;
  expect(await lookUp(upstream, 'slow')).toMatchObject({ state: 'IN_PROGRESS', accountTask: null, failure: null });
  waiting.resolve(null);
  await creating;
  expect(await lookUp(upstream, 'slow')).toMatchObject({ state: 'SUCCEEDED' });
});

test('the key of a create that was refused or not sent is free', async () => {
  await create(upstream, 'refused', '"refuses"');
  await create(upstream, 'not-sent', '{');
  await create(store, 'not-sent', '{');
  expect(await lookUp(upstream, 'refused')).toBeNull();
  expect(await lookUp(upstream, 'not-sent')).toBeNull();
  expect(await lookUp(store, 'not-sent')).toBeNull();
});

test('several keys of one request are looked up, and a bad one fails alone', async () => {
  await create(store, 'one');
  const query = `{ a: writeOutcome(idempotencyKey: "one") { state accountTask { id } } b: writeOutcome(idempotencyKey: "") { state } }`;
  const { json } = await store.graphql({ query });
  expect(json.data).toMatchObject({ a: { state: 'SUCCEEDED' }, b: null });
  expect(json.errors).toMatchObject([
    {
      path: ['b'],
      message: expect.stringMatching(/^idempotencyKey: /) as string,
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ]);
});

test('a gateway without records does not support reads, and refuses an idempotency key as bad input', async () => {
  const notSupported = { extensions: { code: 'NOT_SUPPORTED', outcome: 'NOT_SENT', retryable: false } };
  const sent = service.requests.length;
  for (const query of ['{ accountTasks { totalCount } }', `{ accountTask(id: "${SAMPLE_INPUT.taskId}") { id } }`])
    expect((await unrecorded.graphql({ query })).json.errors).toMatchObject([notSupported]);
  expect((await create(unrecorded, 'a key')).json.errors).toMatchObject([
    {
      message: expect.stringMatching(/^idempotencyKey: .*RECORD=off/) as string,
      extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    },
  ]);
  expect(service.requests).toHaveLength(sent);
});

test('a gateway without records does not support it, and a caller without credentials is refused', async () => {
  const refusal = { code: 'NOT_SUPPORTED', outcome: 'NOT_SENT', retryable: false };
  expect(await lookUp(unrecorded, 'good')).toMatchObject({ path: ['writeOutcome'], extensions: refusal });
  const denied = { extensions: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' } };
  expect(await lookUp(store, 'good', { authorization: 'Bearer x' })).toMatchObject(denied);
});
