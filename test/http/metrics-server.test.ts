import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { readExposition } from '../support/exposition.ts';
import { startGateway } from '../support/running-gateway.ts';

const STORE = { DATABASE_URL: 'sqlite::memory:' };

test('METRICS_PORT serves /metrics, and nothing else, on a separate port', async () => {
  const { url, metricsUrl, close } = await startGateway(openBackend, { env: { ...STORE, METRICS_PORT: '0' } });
  const response = await fetch(metricsUrl);
  expect(response.status).toBe(200);
  expect(readExposition(await response.text()).map(({ name }) => name)).toContain('gateway_refusals_total');
  expect(metricsUrl.port).not.toBe(url.port);
  expect((await fetch(new URL('metrics', url))).status).toBe(404);
  for (const path of ['graphql', 'ready', 'metrics/']) {
    const other = await fetch(new URL(path, metricsUrl));
    expect([other.status, await other.json()]).toMatchObject([
      404,
      { errors: [{ extensions: { outcome: 'NOT_SENT' } }] },
    ]);
  }
  await close();
  await expect(fetch(metricsUrl)).rejects.toThrow('fetch failed');
});

test('a gateway does not start if its METRICS_PORT is in use', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const METRICS_PORT = String((taken.address() as AddressInfo).port);
  await expect(startGateway(openBackend, { env: { ...STORE, METRICS_PORT } })).rejects.toThrow('EADDRINUSE');
});
