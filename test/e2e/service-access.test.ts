import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { selfSigned } from '../support/certificate.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { openProxy } from '../support/tunnel-proxy.ts';
import { runCli, startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';

test('creates go through the proxy to a service that requires a client certificate', async () => {
  const [service, client] = [selfSigned(), selfSigned({ name: 'DNS:gateway' })];
  const Detail = { ...SAMPLE_DETAIL, TaskID: SAMPLE_INPUT.taskId };
  const envelope = { Error: null, ResponseData: { Identification: null, Result: null, Detail } };
  const server = createServer({ ...service, requestCert: true, ca: [client.cert] }, (request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(envelope)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'service-access-'));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const proxy = await openProxy();
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: `https://${host}`,
    UPSTREAM_CA: write('ca.pem', service.cert),
    UPSTREAM_CERT: write('cert.pem', client.cert),
    UPSTREAM_KEY: write('key.pem', client.key),
    NODE_USE_ENV_PROXY: '1',
    HTTPS_PROXY: proxy.url.href,
    RECORD: 'off',
  });
  const address = await gateway.address();
  expect(await createCaller('Bearer x').create(address, '{}')).toMatchObject({ kind: 'created' });
  expect((await fetch(new URL('ready', address))).status).toBe(200);
  expect(new Set(proxy.connects.map(({ target }) => target))).toEqual(new Set([host]));
  expect(gateway.stderr()).toContain('connections to the service go through a proxy');
});

test('an unreadable TLS file stops the start and names its variable', async () => {
  const env = { UPSTREAM_URL: 'https://127.0.0.1:1', UPSTREAM_CA: '/nowhere/ca.pem', RECORD: 'off' };
  const { code, stderr } = await runCli(['serve'], env);
  expect(code).toBe(1);
  expect(stderr).toContain('UPSTREAM_CA: /nowhere/ca.pem cannot be read (ENOENT); expected a file in PEM');
});
