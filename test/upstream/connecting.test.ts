import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer, type RawService, startRawService } from '../support/raw-service.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

const UNREACHABLE = { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true } as const;

describe('a service that cannot be reached', () => {
  test('a call is NOT_SENT if the port refuses connections', async () => {
    const client = openClient(new URL(`http://127.0.0.1:${await closedPort()}`));
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toBe('The service cannot be reached: it refuses connections. Nothing was sent.');
    expect(failure.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a call is NOT_SENT if the name cannot be resolved', async () => {
    const client = openClient(new URL('http://nonexistent.invalid'));
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('its name cannot be resolved');
  });

  test('a call is NOT_SENT if it begins TLS on a port that speaks plain HTTP', async () => {
    let requests = 0;
    const server = createServer(() => {
      requests += 1;
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const client = openClient(new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`));
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('no secure connection could be made');
    expect(requests).toBe(0);
  });

  test('a call is NOT_SENT if the TLS handshake is never answered', async () => {
    const service = await openRawService(() => undefined);
    const client = openClient(new URL(`https://127.0.0.1:${service.port}`), { timeoutMs: 150 });
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('no connection was made in time');
    expect(service.posts).toEqual([]);
  });
});

describe('retries of a connection', () => {
  test('a failed connection is retried until the service listens, and the POST arrives once', async () => {
    const port = await closedPort();
    const client = openClient(new URL(`http://127.0.0.1:${port}`), { connectRetries: 8 });
    let opening: Promise<RawService> | null = null;
    onConnectError(port, () => {
      opening ??= openRawService((socket) => socket.write(httpAnswer(200)), port);
    });
    expect((await client.post(SMALL_POST)).status).toBe(200);
    expect((await (opening as unknown as Promise<RawService>)).posts).toHaveLength(1);
  });

  test('a failed connection is retried no more often than allowed', async () => {
    const port = await closedPort();
    let refused = 0;
    onConnectError(port, () => {
      refused += 1;
    });
    const client = openClient(new URL(`http://127.0.0.1:${port}`), { connectRetries: 2 });
    await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(refused).toBe(3);
  });

  test('a failed connection is retried no longer than the timeout of the call', async () => {
    const client = openClient(new URL(`http://127.0.0.1:${await closedPort()}`), {
      connectRetries: 50,
      timeoutMs: 150,
    });
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('it refuses connections');
  });
});

describe('ready', () => {
  test('the readiness check succeeds if a connection can be made, and sends nothing', async () => {
    const service = await openRawService(() => undefined);
    await openClient(service.url).ready();
    expect(service.posts).toEqual([]);
  });

  test('the readiness check fails with the reason, without the address', async () => {
    const client = openClient(new URL(`http://127.0.0.1:${await closedPort()}`));
    await expect(client.ready()).rejects.toThrow(/^The service cannot be reached: it refuses connections\.$/);
  });

  test('the readiness check takes no longer than a call may take', async () => {
    const service = await openRawService(() => undefined);
    const client = openClient(new URL(`https://127.0.0.1:${service.port}`), { timeoutMs: 150 });
    await expect(client.ready()).rejects.toThrow('no connection was made in time');
  });
});

/** Returns a port on which nothing listens. */
async function closedPort(): Promise<number> {
  const service = await startRawService(() => undefined);
  await service.close();
  return service.port;
}

/** Calls `listener` for each failed connection to the port, before the caller is notified. */
function onConnectError(port: number, listener: () => void): void {
  const onMessage = (message: unknown): void => {
    if ((message as { connectParams: { port: string } }).connectParams.port === String(port)) listener();
  };
  subscribe('undici:client:connectError', onMessage);
  onTestFinished(() => void unsubscribe('undici:client:connectError', onMessage));
}
