import { expect, onTestFinished, test } from 'vitest';
import { type GatewayAnswer, SAMPLE_INPUT, type StoreGateway, startStoreGateway } from '../support/running-gateway.ts';

const MB = 1_048_576;
const LIST = '{ accountTasks { edges { node { id parameters } } pageInfo { hasNextPage } } }';
const CREATE =
  'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id parameters } } }';
const OVERLOADED = { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true };

/** Starts a gateway with tasks of 4 MB. One answer has room for three, and all answers together for two such answers. */
async function startFull(): Promise<StoreGateway> {
  const gateway = await startStoreGateway({
    env: { MAX_BODY_BYTES: String(5 * MB), MAX_PENDING_ANSWER_BYTES: String(29 * MB) },
  });
  onTestFinished(() => gateway.close());
  for (let count = 0; count < 4; count += 1) expect((await create(gateway)).json.errors).toBeUndefined();
  return gateway;
}

function create(gateway: StoreGateway): Promise<GatewayAnswer> {
  const parameters = JSON.stringify('x'.repeat(4 * MB));
  return gateway.graphql({ query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters } } });
}

/** Requests a list and reads only the head of its answer; the sockets buffer some of the rest. */
async function askWithoutReading({ url, token }: StoreGateway): Promise<Response> {
  const response = await fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: LIST }),
  });
  expect(response.status).toBe(200);
  return response;
}

test('unread answers leave no room for other large ones until they are read or their callers leave', async () => {
  const gateway = await startFull();
  const list = async () => (await gateway.graphql({ query: LIST })).json;
  const [first, second] = [await askWithoutReading(gateway), await askWithoutReading(gateway)];
  expect(await list()).toMatchObject({ data: null, errors: [{ path: ['accountTasks'], extensions: OVERLOADED }] });
  // The rendered metrics are cached for a second.
  const refusals = () => readRefusals(gateway);
  await expect.poll(refusals, { timeout: 30_000 }).toEqual({ answer_bytes: 2, pending_answer_bytes: 1 });

  const small = await gateway.graphql({ query: '{ accountTasks { edges { node { id } } } }' });
  expect(small.json.errors).toBeUndefined();

  const created = await create(gateway);
  expect(created.json.data?.['createAccountTask']).toEqual({
    accountTask: { id: expect.any(String) as unknown, parameters: null },
  });
  expect(created.json.errors).toMatchObject([
    { path: ['createAccountTask', 'accountTask', 'parameters'], extensions: { code: 'ANSWER_TOO_LARGE' } },
  ]);

  const { data } = (await first.json()) as { data: { accountTasks: { edges: object[] } } };
  expect(data.accountTasks.edges).toHaveLength(3);
  const third = await askWithoutReading(gateway);
  expect(await list()).toMatchObject({ errors: [{ extensions: OVERLOADED }] });

  await Promise.all([second.body?.cancel(), third.body?.cancel()]);
  await expect.poll(async () => (await list()).errors, { timeout: 30_000 }).toBeUndefined();
}, 60_000);

async function readRefusals({ url }: StoreGateway): Promise<Record<string, number>> {
  const text = await (await fetch(new URL('metrics', url))).text();
  const lines = text.matchAll(/^gateway_refusals_total\{limit="((?:pending_)?answer_bytes)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, limit = '', count]) => [limit, Number(count)]));
}
