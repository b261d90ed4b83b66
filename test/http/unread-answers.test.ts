import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type GatewayAnswer, SAMPLE_INPUT, type StoreGateway, startStoreGateway } from '../support/running-gateway.ts';
import { toRequestText } from '../support/raw-connection.ts';

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

/**
 * Requests a list and reads only the first bytes of its answer. The system takes little of the rest from the gateway: it
 * enlarges a socket's buffer only for a program that reads.
 */
async function askWithoutReading({ url, token }: StoreGateway): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  onTestFinished(() => void socket.destroy());
  const body = JSON.stringify({ query: LIST });
  const headers = [
    'Content-Type: application/json',
    `Authorization: Bearer ${token}`,
    `Content-Length: ${body.length}`,
  ];
  socket.write(toRequestText(['POST /graphql HTTP/1.1', 'Host: x', 'Connection: close', ...headers], body));
  await once(socket, 'readable');
  return socket;
}

async function readRest(socket: Socket): Promise<unknown> {
  const text = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
}

test('unread answers leave no room for other large ones until they are read or their callers leave', async () => {
  const gateway = await startFull();
  const list = async () => (await gateway.graphql({ query: LIST })).json;
  const [first, second] = [await askWithoutReading(gateway), await askWithoutReading(gateway)];
  expect(await list()).toMatchObject({ data: null, errors: [{ path: ['accountTasks'], extensions: OVERLOADED }] });
  // The rendered metrics are cached for a second.
  const refusals = () => readRefusals(gateway);
  await expect.poll(refusals, { timeout: 60_000 }).toEqual({ answer_bytes: 2, pending_answer_bytes: 1 });

  const small = await gateway.graphql({ query: '{ accountTasks { edges { node { id } } } }' });
  expect(small.json.errors).toBeUndefined();

  const created = await create(gateway);
  expect(created.json.data?.['createAccountTask']).toEqual({
    accountTask: { id: expect.any(String) as unknown, parameters: null },
  });
  expect(created.json.errors).toMatchObject([
    { path: ['createAccountTask', 'accountTask', 'parameters'], extensions: { code: 'ANSWER_TOO_LARGE' } },
  ]);

  const { data } = (await readRest(first)) as { data: { accountTasks: { edges: object[] } } };
  expect(data.accountTasks.edges).toHaveLength(3);
  const third = await askWithoutReading(gateway);
  expect(await list()).toMatchObject({ errors: [{ extensions: OVERLOADED }] });

  for (const socket of [second, third]) socket.destroy();
  await expect.poll(async () => (await list()).errors, { timeout: 60_000 }).toBeUndefined();
}, 240_000);

async function readRefusals({ url }: StoreGateway): Promise<Record<string, number>> {
  const text = await (await fetch(new URL('metrics', url))).text();
  const lines = text.matchAll(/^gateway_refusals_total\{limit="((?:pending_)?answer_bytes)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, limit = '', count]) => [limit, Number(count)]));
}
