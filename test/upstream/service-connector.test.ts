import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ServiceAccess, readTlsFiles, type TlsFiles } from '../../src/upstream/service-connector.ts';
import { requestToken } from '../../src/upstream/own-token.ts';
import { type Certificate, selfSigned } from '../support/certificate.ts';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { openProxy } from '../support/tunnel-proxy.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';
import { utf16 } from '../support/wire-texts.ts';

const UNREACHABLE = { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true } as const;
const LOST = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: false } as const;
const NO_FILES: TlsFiles = { caFile: null, certFile: null, keyFile: null };
const DIRECT: ServiceAccess = { tls: {}, proxy: null };

let service: Certificate;
let gateway: Certificate;
let other: Certificate;

beforeAll(() => {
  service = selfSigned();
  gateway = selfSigned({ name: 'DNS:gateway' });
  other = selfSigned({ name: 'DNS:other' });
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Opens a TLS service that serves only clients with the gateway's certificate. */
async function openDemandingService(): Promise<URL> {
  const options = { ...service, requestCert: true, ca: [gateway.cert] };
  const server = createSecureServer(options, (request, response) => {
    request.resume().on('end', () => response.end('{"access_token":"t"}'));
  });
  server.on('secureConnection', (socket: Socket) => onTestFinished(() => void socket.destroy()));
  return new URL(`https://127.0.0.1:${await listening(server)}`);
}

/** Writes each text to a file of its own, and returns the paths. */
function writeFiles(...texts: readonly (string | Uint8Array)[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return texts.map((text, index) => {
    const path = join(folder, `${index}.pem`);
    writeFileSync(path, text);
    return path;
  });
}

function withFiles(ca: string, { cert, key }: Certificate): ServiceAccess {
  const [caFile = '', certFile = '', keyFile = ''] = writeFiles(ca, cert, key);
  return { tls: readTlsFiles({ caFile, certFile, keyFile }), proxy: null };
}

describe('a service that demands a client certificate', () => {
  test('creates, token requests and the readiness check use the client certificate', async () => {
    const client = openClient(await openDemandingService(), { access: withFiles(service.cert, gateway) });
    expect((await client.post(SMALL_POST)).status).toBe(200);
    expect(await requestToken(client, { clientId: 'a', clientSecret: 'b' })).toMatchObject({
      authorization: 'Bearer t',
    });
    await client.ready();
  });

  test.each<readonly [string, () => ServiceAccess]>([
    ['no certificate', () => ({ ...DIRECT, tls: { ca: [service.cert] } })],
    ['another certificate', () => withFiles(service.cert, other)],
  ])('a create with %s is UNKNOWN', async (_name, access) => {
    const client = openClient(await openDemandingService(), { access: access() });
    // The service closes the connection after the handshake, when the request may have left.
    const failure = await expectFailure(client.post(SMALL_POST), LOST);
    expect(failure.message).toContain('was lost');
  });

  test('a service that another authority signed is not trusted', async () => {
    const client = openClient(await openDemandingService(), { access: withFiles(other.cert, gateway) });
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('no secure connection could be made');
  });
});

describe('the files for TLS', () => {
  test('PEM files are used unchanged, and the file of authorities may have several certificates', () => {
    const [caFile = '', certFile = '', keyFile = ''] = writeFiles(
      `Comment\n${service.cert}${other.cert}`,
      gateway.cert,
      gateway.key,
    );
    const { ca, cert, key } = readTlsFiles({ caFile, certFile, keyFile });
    expect(ca).toHaveLength(2);
    expect([cert, key]).toEqual([gateway.cert.trim(), gateway.key]);
    expect(readTlsFiles(NO_FILES)).toEqual({});
  });

  test('PEM files may be in UTF-16, and have comments in any encoding', () => {
    const [caFile = '', certFile = '', keyFile = ''] = writeFiles(
      Buffer.concat([Buffer.from('Zertifikat f\u00fcr hier\n', 'latin1'), Buffer.from(service.cert)]),
      utf16(gateway.cert, 'little', true),
      utf16(gateway.key, 'big', true),
    );
    const { ca, cert, key } = readTlsFiles({ caFile, certFile, keyFile });
    expect([ca, cert, key]).toEqual([[service.cert.trim()], gateway.cert.trim(), gateway.key]);
  });

  test('a missing PEM file is an error', () => {
    expect(() => readTlsFiles({ ...NO_FILES, caFile: '/nowhere/ca.pem' })).toThrow(
      'UPSTREAM_CA: /nowhere/ca.pem cannot be read (ENOENT); expected a file in PEM',
    );
  });

  test.each<readonly [string, () => readonly [string, string, string], RegExp]>([
    [
      'an authority that is not PEM',
      () => ['text', gateway.cert, gateway.key],
      /^UPSTREAM_CA: .* contains no readable certificate/,
    ],
    [
      'an authority that is damaged',
      () => [service.cert.replace(/\n.{20}/, '\n'), gateway.cert, gateway.key],
      /^UPSTREAM_CA: .* contains no readable certificate/,
    ],
    [
      'a key in place of a certificate',
      () => [service.cert, gateway.key, gateway.key],
      /^UPSTREAM_CERT: .* contains no readable cert/,
    ],
    [
      'a certificate in place of a key',
      () => [service.cert, gateway.cert, gateway.cert],
      /^UPSTREAM_KEY: .* contains no readable key/,
    ],
    [
      'the key of another certificate',
      () => [service.cert, gateway.cert, other.key],
      /^UPSTREAM_KEY: .* does not belong to the first certificate/,
    ],
  ])('PEM files with %s are an error', (_name, texts, problem) => {
    const [caFile = '', certFile = '', keyFile = ''] = writeFiles(...texts());
    expect(() => readTlsFiles({ caFile, certFile, keyFile })).toThrow(problem);
  });
});

describe('a service behind a proxy', () => {
  test('many requests share one tunnel through the proxy, also over http', async () => {
    const proxy = await openProxy();
    const plain = await openRawService((socket) => socket.write(httpAnswer(200)));
    const client = openClient(plain.url, { connections: 1, access: { ...DIRECT, proxy: proxy.url } });
    for (let call = 0; call < 3; call += 1) expect((await client.post(SMALL_POST)).status).toBe(200);
    expect(proxy.connects.map(({ target }) => target)).toEqual([plain.url.host]);
    await client.ready();
    expect([proxy.connects.length, plain.posts.length]).toEqual([2, 3]);
  });

  test('requests use TLS and the client certificate within the tunnel', async () => {
    const proxy = await openProxy();
    const url = await openDemandingService();
    const access = { ...withFiles(service.cert, gateway), proxy: proxy.url };
    expect((await openClient(url, { access }).post(SMALL_POST)).status).toBe(200);
    expect(proxy.connects.map(({ target }) => target)).toEqual([url.host]);
  });

  test('the credentials in the proxy address are sent to the proxy and not to the service', async () => {
    const proxy = await openProxy();
    proxy.url.username = 'me';
    proxy.url.password = 'p%40ss';
    const plain = await openRawService((socket) => socket.write(httpAnswer(200)));
    await openClient(plain.url, { access: { ...DIRECT, proxy: proxy.url } }).post(SMALL_POST);
    const [headers] = proxy.connects.map((one) => one.headers);
    expect(headers).toMatchObject({ 'proxy-authorization': `Basic ${btoa('me:p@ss')}`, host: plain.url.host });
    expect(headers).not.toHaveProperty('authorization');
    expect(plain.posts[0]?.head).not.toMatch(/authorization/i);
  });

  test.each([403, 407, 502])('a call is NOT_SENT if the proxy answers %i', async (status) => {
    const proxy = await openProxy(status);
    const plain = await openRawService((socket) => socket.write(httpAnswer(200)));
    const client = openClient(plain.url, { access: { ...DIRECT, proxy: proxy.url } });
    const failure = await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    expect(failure.message).toContain('the proxy in between refuses to connect to it');
    expect(failure.cause).toMatchObject({ message: `The proxy answered HTTP ${status}.` });
    expect(plain.posts).toEqual([]);
  });

  test('a call is NOT_SENT if the proxy does not answer', async () => {
    const silent = await openRawService(() => undefined);
    const client = openClient(new URL('http://service.invalid'), {
      timeoutMs: 150,
      access: { ...DIRECT, proxy: silent.url },
    });
    await expectFailure(client.post(SMALL_POST), UNREACHABLE);
    await expect(client.ready()).rejects.toThrow('no connection was made in time');
  });
});
