import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAddressLimit, createClientAddresses } from '../../src/http/client-address.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers, toRequestText } from '../support/raw-connection.ts';

const WHOLE = toRequestText(['GET / HTTP/1.1', 'Host: x']);

/** Starts a server with a limit of 2, for which every address is one client or is shared by many. */
async function startServer(isShared: boolean) {
  const refused: string[] = [];
  const addresses = { ...createClientAddresses([]), isShared: () => isShared };
  const server = createServer((_, response) => response.end('ok'));
  createAddressLimit({ max: 2, addresses, onRefused: (limit) => refused.push(limit) }).guard(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close().closeAllConnections());
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), refused };
}

describe('connections of one address', () => {
  test('are closed beyond the limit, and accepted again after one of them has ended', async () => {
    const { url, refused } = await startServer(false);
    const [first, second] = [openRaw(url, WHOLE), openRaw(url, WHOLE)];
    await Promise.all([first.received(/ok$/), second.received(/ok$/)]);
    expect(await openRaw(url, WHOLE).closed).toBe('');
    expect(refused).toEqual(['address_connections']);
    first.socket.destroy();
    await expect
      .poll(
        async () =>
          (await openRaw(url, WHOLE)
            .received(/ok$/)
            .catch(() => '')) !== '',
      )
      .toBe(true);
  });

  test('are not counted if the address is shared by many clients', async () => {
    const { url, refused } = await startServer(true);
    await Promise.all(Array.from({ length: 5 }, () => openRaw(url, WHOLE).received(/ok$/)));
    expect(refused).toEqual([]);
  });
});

describe('requests of a client behind a trusted proxy', async () => {
  const gateway = await startStoreGateway({ env: { MAX_CONNECTIONS_PER_ADDRESS: '2', TRUSTED_PROXIES: '127.0.0.1' } });
  afterAll(() => gateway.close());
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 2'];
  const open = (...headers: readonly string[]) => openRaw(gateway.url, toRequestText([...head, ...headers], '{'));
  const ask = (client: string) => gateway.graphql({ query: '{ __typename }' }, { 'x-forwarded-for': client });

  test('are refused beyond the limit while that many are in flight', async () => {
    const held = [open('X-Forwarded-For: 198.51.100.1'), open('X-Forwarded-For: 9.9.9.9, 198.51.100.1')];
    await expect.poll(async () => (await ask('198.51.100.1')).status).toBe(429);
    const { json, headers } = await ask('198.51.100.1');
    expect(json.errors).toEqual([
      {
        message: 'Too many requests from this address are in flight. Nothing was sent.',
        extensions: {
          code: 'OVERLOADED',
          outcome: 'NOT_SENT',
          retryable: true,
          requestId: headers.get('x-request-id'),
        },
      },
    ]);
    expect((await ask('198.51.100.2')).status).toBe(200);
    const metrics = await (await fetch(new URL('metrics', gateway.url))).text();
    expect(metrics).toMatch(/^gateway_refusals_total\{limit="address_requests"\} [1-9]/m);
    for (const { write } of held) write('}');
    for (const { received } of held) expect(parseAnswers(await received(/\}$/))[0]?.status).toBe(400);
    await expect.poll(async () => (await ask('198.51.100.1')).status).toBe(200);
  });

  test('are not counted for the proxy itself', async () => {
    const held = Array.from({ length: 5 }, () => open());
    for (const { write } of held) write('}');
    for (const { received } of held) expect(parseAnswers(await received(/\}$/))[0]?.status).toBe(400);
  });

  test('have their failed attempts at /Token counted separately', async () => {
    const tryToken = async (client: string) => {
      const credentials = { client_id: crypto.randomUUID(), client_secret: 'wrong' };
      const response = await fetch(new URL('Token', gateway.url), {
        method: 'POST',
        headers: { 'x-forwarded-for': client },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }),
      });
      return response.status;
    };
    for (let attempts = 0; attempts < 30; attempts += 1) await tryToken('198.51.100.1');
    expect(await tryToken('198.51.100.1')).toBe(429);
    expect(await tryToken('198.51.100.2')).not.toBe(429);
  });
});
