import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AUDIENCE, createKey, ISSUER, startIssuer } from '../../support/issuer.ts';
import { type RestReply, startRestService } from '../../support/rest-service.ts';
import { startRawService } from '../../support/raw-service.ts';
import { openProxy } from '../../support/tunnel-proxy.ts';
import { startStoreGateway } from '../../support/running-gateway.ts';
import { type Certificate, type CertificateOptions, selfSigned } from '../../support/certificate.ts';
import { examined, statesOf } from './findings.ts';

const OFF = { RECORD: 'off' };
const SECRETS = { UPSTREAM_CLIENT_ID: 'client-7', UPSTREAM_CLIENT_SECRET: 'hunter2' };
const TOKEN = {
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: '{"access_token":"abc","expires_in":3600}',
};

async function openIssuer() {
  const issuer = await startIssuer(await createKey('one'), await createKey('two', 'RS256'));
  onTestFinished(() => issuer.close());
  const auth = { AUTH_JWKS_URL: issuer.jwksUrl.href, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
  return { issuer, auth };
}

/** Starts the service; `answer` may replace its answers. */
async function openService(answer: (path: string) => RestReply | null = () => null): Promise<string> {
  const service = await startRestService({ answer: ({ path }) => answer(path) });
  onTestFinished(() => service.close());
  return service.url.href;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
}

function writeFiles(certificate: Certificate): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, certificate.cert);
  writeFileSync(files.key, certificate.key);
  return files;
}

describe('the service', () => {
  test('that answers and issues a token is ok in every finding', async () => {
    const { auth } = await openIssuer();
    const UPSTREAM_URL = await openService((path) => (path === '/Token' ? TOKEN : null));
    const findings = await examined({ ...OFF, ...auth, ...SECRETS, UPSTREAM_URL });
    expect(Object.values(findings).map(({ subject, state }) => `${subject}: ${state}`)).toEqual([
      'variables: ok',
      'service: ok',
      'endpoint: ok',
      'token: ok',
      'keys: ok',
      'port: ok',
    ]);
    expect(findings['endpoint']?.fact).toBe('GET /api/v2/admin/tasks/account answers 405, as expected');
    expect(findings['token']?.fact).toBe('the service issued one, valid for 60 minutes');
    expect(findings['keys']?.fact).toMatch(/^2 keys at http:\/\/127\.0\.0\.1:\d+\/keys, 2 usable$/);
  });

  test('that answers 401 is ok, too', async () => {
    const UPSTREAM_URL = await openService(() => ({ status: 401, body: '' }));
    expect((await examined({ ...OFF, UPSTREAM_URL }))['endpoint']).toMatchObject({ state: 'ok' });
  });

  test('receives a GET only, without credentials', async () => {
    const service = await startRestService();
    onTestFinished(() => service.close());
    await examined({ ...OFF, UPSTREAM_URL: service.url.href });
    expect(service.requests.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['GET', undefined],
    ]);
  });

  test('that refuses connections is broken, and nothing else is checked there', async () => {
    const UPSTREAM_URL = `http://127.0.0.1:${await closedPort()}`;
    const findings = await examined({ ...OFF, ...SECRETS, ...(await openIssuer()).auth, UPSTREAM_URL });
    expect(findings['service']).toMatchObject({ state: 'broken', fact: expect.stringContaining('refuses') as string });
    expect([findings['endpoint'], findings['token']]).toEqual([undefined, undefined]);
  });

  test('whose name cannot be resolved is broken', async () => {
    const { service } = await examined({ ...OFF, UPSTREAM_URL: 'http://nonexistent.invalid' });
    expect(service).toMatchObject({
      state: 'broken',
      fact: expect.stringContaining('the name cannot be resolved') as string,
    });
  });

  test.each<readonly [RestReply, string, string]>([
    [{ status: 404, body: '' }, 'broken', 'there is nothing at this path'],
    [
      { status: 302, headers: { Location: 'https://elsewhere.example/' }, body: '' },
      'broken',
      'creates do not follow redirects',
    ],
    [{ status: 503, body: '' }, 'broken', 'the service fails'],
    [{ status: 200, body: 'hello' }, 'warning', 'the contract has 405 or 401'],
    [{ status: 405, body: '<html>405</html>' }, 'warning', 'not in the words of ASP.NET Web API 2'],
  ])('that answers GET with %j is %s', async (reply, state, reason) => {
    const { endpoint } = await examined({ ...OFF, UPSTREAM_URL: await openService(() => reply) });
    expect(endpoint).toMatchObject({ state, fact: expect.stringContaining(reason) as string });
    expect(endpoint?.remedy).not.toBeNull();
  });

  test('at another base path is broken, and the base path in UPSTREAM_URL is used', async () => {
    const UPSTREAM_URL = await openService((path) => (path.startsWith('/base/') ? null : { status: 404, body: '' }));
    expect((await examined({ ...OFF, UPSTREAM_URL }))['endpoint']?.state).toBe('broken');
    expect((await examined({ ...OFF, UPSTREAM_URL: `${UPSTREAM_URL}base` }))['endpoint']?.state).toBe('ok');
  });

  test.each([
    ['never answers', () => undefined, 'did not answer in time'],
    [
      'does not speak HTTP',
      (socket: { end(text: string): void }) => socket.end('220 mail ready\r\n'),
      'does not follow HTTP',
    ],
  ] as const)('that %s is broken', async (_, answer, reason) => {
    const service = await startRawService(answer);
    onTestFinished(() => service.close());
    const env = { ...OFF, UPSTREAM_URL: service.url.href, UPSTREAM_TIMEOUT_MS: '150' };
    const { endpoint } = await examined(env);
    expect(endpoint).toMatchObject({ state: 'broken', fact: expect.stringContaining(reason) as string });
  });

  test.each<readonly [string, RestReply, string]>([
    [
      'for a wrong secret',
      { status: 400, headers: TOKEN.headers, body: '{"error":"invalid_client"}' },
      'UPSTREAM_CLIENT_SECRET',
    ],
    ['without a token endpoint', { status: 404, body: '' }, 'issues tokens'],
    ['with an answer that is no token', { status: 200, body: 'welcome' }, 'issues tokens'],
  ])('that refuses a token %s is broken, and no secret is revealed', async (_, reply, remedy) => {
    const { auth } = await openIssuer();
    const UPSTREAM_URL = await openService((path) => (path === '/Token' ? reply : null));
    const findings = await examined({ ...OFF, ...auth, ...SECRETS, UPSTREAM_URL });
    expect(findings['token']).toMatchObject({ state: 'broken', remedy: expect.stringContaining(remedy) as string });
    expect(findings['endpoint']?.state).toBe('ok');
    expect(JSON.stringify(findings)).not.toMatch(/client-7|hunter2/);
  });
});

describe('a proxy', () => {
  test('that opens tunnels is ok, and the endpoint is checked through it', async () => {
    const proxy = await openProxy();
    const UPSTREAM_URL = await openService();
    const env = { ...OFF, UPSTREAM_URL, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url.href };
    const { service, endpoint } = await examined(env);
    const { host } = new URL(UPSTREAM_URL);
    expect(service).toMatchObject({
      state: 'ok',
      fact: expect.stringContaining(`${host}: connected through the proxy ${proxy.url.host}`) as string,
    });
    expect(endpoint?.state).toBe('ok');
    expect(new Set(proxy.connects.map(({ target }) => target))).toEqual(new Set([host]));
  });

  test('that refuses is broken and named in the finding', async () => {
    const proxy = await openProxy(403);
    const env = { ...OFF, UPSTREAM_URL: 'http://service.invalid', NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url.href };
    expect((await examined(env))['service']).toMatchObject({
      state: 'broken',
      fact: `service.invalid: cannot connect through the proxy ${proxy.url.host} (PROXY_REFUSED)`,
    });
  });

  test('that Node is not configured to use is a warning', async () => {
    const findings = await examined({ ...OFF, UPSTREAM_URL: await openService(), HTTP_PROXY: 'http://proxy:3128' });
    expect(findings['proxy']).toMatchObject({
      state: 'warning',
      remedy: expect.stringContaining('NODE_USE_ENV_PROXY=1') as string,
    });
    expect(findings['service']?.state).toBe('ok');
  });
});

describe('TLS', () => {
  const openSecure = async (options?: CertificateOptions): Promise<number> =>
    listening(createSecureServer(selfSigned(options), (_, response) => response.writeHead(405).end()));

  test.each<readonly [string, CertificateOptions | undefined, string, string]>([
    ['no trusted CA', undefined, 'not signed by a trusted CA (DEPTH_ZERO_SELF_SIGNED_CERT)', 'UPSTREAM_CA'],
    ['no trusted CA, for another name', { name: 'DNS:other.example' }, 'not signed by a trusted', 'UPSTREAM_CA'],
  ])('with a certificate of %s is broken', async (_, options, reason, remedy) => {
    const findings = await examined({ ...OFF, UPSTREAM_URL: `https://127.0.0.1:${await openSecure(options)}` });
    expect(findings['TLS']).toMatchObject({ state: 'broken', fact: expect.stringContaining(reason) as string });
    expect(findings['TLS']?.remedy).toContain(remedy);
    expect(findings['endpoint']).toBeUndefined();
  });

  test('with a certificate of the CA in UPSTREAM_CA and a client certificate in UPSTREAM_CERT is ok', async () => {
    const [service, gateway] = [selfSigned(), selfSigned({ name: 'DNS:gateway' })];
    const options = { ...service, requestCert: true, ca: [gateway.cert] };
    const port = await listening(createSecureServer(options, (_, response) => response.writeHead(405).end()));
    const UPSTREAM_CA = writeFiles(service).cert;
    const { cert: UPSTREAM_CERT, key: UPSTREAM_KEY } = writeFiles(gateway);
    const env = { ...OFF, UPSTREAM_URL: `https://127.0.0.1:${port}`, UPSTREAM_CA };
    const without = await examined(env);
    expect(without['endpoint']).toMatchObject({
      state: 'broken',
      remedy: expect.stringContaining('UPSTREAM_CERT') as string,
    });
    const { service: connection, TLS, endpoint } = await examined({ ...env, UPSTREAM_CERT, UPSTREAM_KEY });
    expect([connection?.state, TLS?.state, endpoint?.state]).toEqual(['ok', 'ok', 'ok']);
  });

  test('with files that cannot be read is broken', async () => {
    const env = { ...OFF, UPSTREAM_URL: 'https://127.0.0.1:1', UPSTREAM_CA: '/nowhere/ca.pem' };
    expect((await examined(env))['TLS']).toMatchObject({
      state: 'broken',
      fact: 'UPSTREAM_CA: /nowhere/ca.pem cannot be read (ENOENT); expected a file in PEM',
    });
  });

  test('with a port that speaks plain HTTP is broken', async () => {
    const url = new URL(await openService());
    const { TLS } = await examined({ ...OFF, UPSTREAM_URL: `https://${url.host}` });
    expect(TLS).toMatchObject({ state: 'broken', remedy: expect.stringContaining('speaks https') as string });
  });

  test('without an answer to the handshake is broken', async () => {
    const port = await listening(createServer());
    const env = { ...OFF, UPSTREAM_URL: `https://127.0.0.1:${port}`, UPSTREAM_TIMEOUT_MS: '150' };
    expect((await examined(env))['service']).toMatchObject({
      state: 'broken',
      fact: `127.0.0.1:${port}: cannot connect (UND_ERR_CONNECT_TIMEOUT)`,
    });
  });
});

describe('the keys of the issuer', () => {
  test.each<readonly [string, { status: number; body: string }, string]>([
    ['are not at the address', { status: 404, body: '' }, 'status 404'],
    ['are no JSON', { status: 200, body: '<html>' }, 'is not valid JSON'],
    ['are no set', { status: 200, body: '{"issuer":"x"}' }, 'JSON Web Key Set malformed'],
    ['are secret ones', { status: 200, body: '{"keys":[{"kty":"oct","k":"aHVudGVyMg","alg":"HS256"}]}' }, '1 key'],
    ['cannot be read', { status: 200, body: '{"keys":[{"kty":"EC","crv":"P-256","x":"AQAB"}]}' }, '0 usable'],
    [
      'are for encryption',
      { status: 200, body: '{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}' },
      '0 usable',
    ],
  ])('that %s are broken', async (_, answer, reason) => {
    const { issuer, auth } = await openIssuer();
    issuer.fail(answer);
    const { keys } = await examined({ ...auth, ...OFF });
    expect(keys).toMatchObject({ state: 'broken', fact: expect.stringContaining(reason) as string });
  });

  test('that cannot be fetched are broken, and the query of their address is not revealed', async () => {
    const { auth } = await openIssuer();
    const findings = await examined({
      ...auth,
      AUTH_JWKS_URL: `http://127.0.0.1:${await closedPort()}/keys?code=hunter2`,
    });
    expect(findings['keys']).toMatchObject({
      state: 'broken',
      fact: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });
});

describe('the port', () => {
  test('of another program is broken', async () => {
    const PORT = String(await listening(createServer((socket) => socket.destroy())));
    expect((await examined({ PORT }))['port']).toMatchObject({ state: 'broken', remedy: 'Set PORT to another port.' });
  });

  test('of a running gateway is a warning', async () => {
    const gateway = await startStoreGateway();
    onTestFinished(() => gateway.close());
    expect(await statesOf({ PORT: gateway.url.port })).toMatchObject({ port: 'warning' });
  });

  test('of an address that is not of this machine is broken', async () => {
    const { port } = await examined({ HOST: '192.0.2.1' });
    expect(port).toMatchObject({ state: 'broken', fact: 'cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL)' });
  });
});

test('the remedy of an invalid variable names it', async () => {
  expect((await examined({ PORT: 'http' }))['PORT']?.remedy).toBe('Correct PORT, or unset it.');
});

test('all invalid variables are reported, and nothing else is checked', async () => {
  expect(await statesOf({ PORT: 'http', UPSTREAM_FORMAT: 'yaml', UPSTREAM_CLIENT_SECRET: 'hunter2' })).toEqual({
    PORT: 'broken',
    UPSTREAM_FORMAT: 'broken',
    UPSTREAM_CLIENT_ID: 'broken',
  });
});
