import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { startProxy } from './support/nginx.ts';

async function openService(answer: RawAnswer) {
  const service = await startRawService(answer);
  onTestFinished(() => service.close());
  return service;
}

function post(url: URL): Promise<Response> {
  return fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'r-1' },
    body: '{"query":"mutation { a }"}',
  });
}

const ANSWER: RawAnswer = (socket) => void socket.write(httpAnswer(200, '{}'));

test('nginx sends a create to the gateway that is up, with its request ID', async () => {
  const there = await openService(ANSWER);
  const proxy = await startProxy([await freePort(), there.port]);
  for (let count = 1; count <= 6; count += 1) expect((await post(proxy)).status).toBe(200);
  expect(there.posts).toHaveLength(6);
  expect(there.posts[0]?.head.toLowerCase()).toContain('x-request-id: r-1\r\n');
});

test.each<readonly [string, RawAnswer, number]>([
  ['is cut off', (socket) => void socket.destroy(), 502],
  ['is answered with a 503', (socket) => void socket.write(httpAnswer(503)), 503],
])('nginx does not send a create that %s to the other gateway', async (_, answer, status) => {
  const [one, other] = [await openService(answer), await openService(answer)];
  const proxy = await startProxy([one.port, other.port]);
  expect((await post(proxy)).status).toBe(status);
  expect([...one.posts, ...other.posts]).toHaveLength(1);
});

test('nginx refuses a body that the gateways would refuse', async () => {
  const gateway = await openService(ANSWER);
  const proxy = await startProxy([gateway.port, gateway.port]);
  const { status } = await fetch(new URL('graphql', proxy), { method: 'POST', body: 'x'.repeat(1_048_577) });
  expect([status, gateway.posts.length]).toEqual([413, 0]);
});
