import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { send } from '../support/rest-client.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers } from '../support/raw-connection.ts';

const gateway = await startStoreGateway();
const production = await startStoreGateway({
  mode: 'serve',
  env: { LOG_LEVEL: 'silent', CORS_ORIGINS: 'https://app.example' },
});
const several = await startStoreGateway({
  mode: 'serve',
  env: { LOG_LEVEL: 'silent', CORS_ORIGINS: 'https://app.example,https://other.example' },
});
afterAll(async () => {
  for (const each of [gateway, production, several]) await each.close();
});

const INTROSPECTION = { query: '{ __schema { queryType { name } } }' };

const ALLOW_HEADERS = 'access-control-allow-headers';

function preflight(url: URL, origin: string, names = 'content-type'): Promise<Response> {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': names };
  return fetch(new URL('graphql', url), { method: 'OPTIONS', headers });
}

describe('GraphiQL', () => {
  const page = (headers: Record<string, string> = {}) =>
    fetch(new URL('graphql', gateway.url), { headers: { accept: 'text/html', ...headers } });

  test('is one page with the example, its header and a Content-Security-Policy', async () => {
    const response = await page();
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("connect-src 'self'");
    expect(html).toContain(SAMPLE_TASK_ID);
    expect(html).toContain(`Bearer ${gateway.token}`);
  });

  test('is sent compressed, and answered with 304 to a browser that has it', async () => {
    const raw = await new Promise<{ encoding: unknown; body: Buffer; etag: string }>((resolve, reject) => {
      const outgoing = request(
        new URL('graphql', gateway.url),
        { headers: { accept: 'text/html', 'accept-encoding': 'gzip' } },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () =>
            resolve({
              encoding: incoming.headers['content-encoding'],
              body: Buffer.concat(chunks),
              etag: incoming.headers.etag ?? '',
            }),
          );
        },
      );
      outgoing.on('error', reject).end();
    });
    expect(raw.encoding).toBe('gzip');
    expect(gunzipSync(raw.body).toString()).toContain('YogaGraphiQL');
    expect((await page({ 'if-none-match': raw.etag })).status).toBe(304);
  });

  test.each([
    ['gzip', 'gzip'],
    ['GZIP;q=0.5, br', 'gzip'],
    ['*', 'gzip'],
    ['identity;q=0.5, gzip;q=0.6', 'gzip'],
    ['gzip;q=0', null],
    ['gzip; q=0.000, *', null],
    ['*;q=0', null],
    ['identity, gzip;q=0.5', null],
    ['br, xgzip', null],
    ['', null],
  ])('is sent to Accept-Encoding: %s with the encoding %s', async (acceptEncoding, encoding) => {
    const headers = { accept: 'text/html', 'accept-encoding': acceptEncoding };
    const answer = await send(gateway.url, { method: 'GET', path: '/graphql', headers });
    expect(answer.status).toBe(200);
    expect(answer.header('content-encoding')).toBe(encoding);
    const html = encoding === 'gzip' ? gunzipSync(answer.bytes) : answer.bytes;
    expect(html.includes('YogaGraphiQL')).toBe(true);
  });

  test('is not sent again for its ETag, weak or in a list, or for *', async () => {
    const etag = (await page()).headers.get('etag') ?? '';
    const statusFor = async (tags: string) => (await page({ 'if-none-match': tags })).status;
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, `W/"a, b",W/${etag} , "c"`, '*', ' * '])
      expect(`${tags}: ${await statusFor(tags)}`).toBe(`${tags}: 304`);
    for (const tags of ['"other"', etag.slice(1, -1), `${etag.slice(0, -1)}x"`, '"*"', ''])
      expect(`${tags}: ${await statusFor(tags)}`).toBe(`${tags}: 200`);
  });

  test.each([
    ['text/html', true],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', true],
    ['TEXT/HTML ; charset=utf-8', true],
    ['application/json;q=0.9, text/html', true],
    ['*/*', false],
    ['application/json, text/html', false],
    ['text/html;q=0, */*', false],
    ['text/html;q=0.5, application/json', false],
  ])('is the answer to a GET that accepts %s: %s', async (accept, isPage) => {
    const answer = await fetch(new URL('graphql?query={__typename}', gateway.url), { headers: { accept } });
    expect((await answer.text()).includes('YogaGraphiQL')).toBe(isPage);
  });

  test('is off in production, where a browser gets a hint at GRAPHIQL=on', async () => {
    const response = await fetch(new URL('graphql', production.url), { headers: { accept: 'text/html' } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      errors: [{ message: expect.stringContaining('GRAPHIQL=on') as string, extensions: { code: 'FORBIDDEN' } }],
    });
  });
});

describe('introspection', () => {
  test('is on in the demo', async () => {
    const { json } = await gateway.graphql(INTROSPECTION);
    expect(json.data).toEqual({ __schema: { queryType: { name: 'Query' } } });
  });

  test('is off in production unless INTROSPECTION=on', async () => {
    const { json } = await production.graphql(INTROSPECTION);
    expect(json.errors?.[0]?.message).toContain('introspection');
    const asked = await startStoreGateway({ mode: 'serve', env: { INTROSPECTION: 'on', LOG_LEVEL: 'silent' } });
    const { json: allowed } = await asked.graphql(INTROSPECTION);
    await asked.close();
    expect(allowed.data).toBeTruthy();
  });
});

describe('CORS', () => {
  test('allows no origin by default', async () => {
    const response = await preflight(gateway.url, 'https://app.example');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('allows exactly the listed origins', async () => {
    for (const url of [production.url, several.url]) {
      const allowed = await preflight(url, 'https://app.example');
      expect(allowed.status).toBe(204);
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(allowed.headers.get('vary')).toBe('Origin');
      // `null` is the origin of a sandboxed frame of any page.
      for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null']) {
        const refused = await preflight(url, origin);
        expect([...refused.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    }
  });

  test('allows the headers that a client asks for', async () => {
    for (const names of [
      'content-type',
      'apollo-require-preflight,authorization,baggage,content-type,sentry-trace,traceparent,tracestate',
      'x-apollo-operation-name, x-graphql-yoga-csrf, X-Anything',
    ]) {
      const { headers } = await preflight(production.url, 'https://app.example', names);
      expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
      expect(headers.get('access-control-allow-headers')).toBe(names);
      expect((await preflight(production.url, 'https://evil.example', names)).headers.has(ALLOW_HEADERS)).toBe(false);
    }
  });

  test('allows no header if the names are too long or invalid, and counts that', async () => {
    const refusals = async (): Promise<number> => {
      const text = await (await fetch(new URL('metrics', production.url))).text();
      return Number(/^gateway_refusals_total\{limit="cors_headers"\} (\d+)$/m.exec(text)?.[1]);
    };
    const before = await refusals();
    expect(await preflight(production.url, 'https://app.example', 'x'.repeat(1_000))).toMatchObject({ status: 204 });
    expect(await refusals()).toBe(before);
    for (const names of ['x'.repeat(1_001), 'content-type; x', 'a=b', '"a"']) {
      const refused = await preflight(production.url, 'https://app.example', names);
      expect(refused.status).toBe(204);
      expect(refused.headers.has(ALLOW_HEADERS)).toBe(false);
    }
    expect(await refusals()).toBe(before + 4);
  });

  test.each([
    ['an answer', 200, { query: '{ __typename }' }],
    ['a request without GraphQL', 400, {}],
    ['a request that is too large', 413, { query: `# ${'x'.repeat(2_000_000)}` }],
  ])('lets the page read %s', async (_name, status, body) => {
    const answer = await production.graphql(body, { origin: 'https://app.example' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(answer.headers.get('access-control-expose-headers')).toBe('x-request-id');
    const foreign = await production.graphql(body, { origin: 'https://evil.example' });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });
});

function expectJsonHeaders(header: (name: string) => string | null): void {
  expect(header('content-type')).toBe('application/json; charset=utf-8');
  expect(header('cache-control')).toBe('no-store');
  expect(header('x-content-type-options')).toBe('nosniff');
}

describe('an answer in JSON', () => {
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  test.each([
    ['/health', 200, { method: 'GET' }],
    ['/ready', 200, { method: 'GET' }],
    ['/nope', 404, { method: 'GET' }],
    ['/graphql', 200, { headers: json, body: '{"query":"{ __typename }"}' }],
    ['/graphql', 200, { headers: json, body: '{"query":"{ nope }"}' }],
    ['/graphql', 400, { headers: json, body: '{' }],
    ['/graphql', 400, { headers: json, body: '{"query":"{ a(b: \\"\u00ff\\") }"}' }],
    ['/graphql', 403, { headers: { 'content-type': 'text/plain' }, body: '{}' }],
    ['/graphql', 405, { method: 'PUT', headers: json, body: '{}' }],
    ['/graphql', 406, { headers: { ...json, accept: 'text/plain' }, body: '{}' }],
    ['/graphql', 413, { headers: json, body: ' '.repeat(1_100_000) }],
    ['/graphql', 415, { headers: { 'content-type': 'text/json' }, body: '{}' }],
    ['/graphql', 417, { headers: { ...json, expect: 'nothing' }, body: '{}' }],
    ['/Token', 400, { headers: form, body: 'grant_type=x' }],
    ['/Token', 405, { method: 'GET' }],
    ['/api/v2/admin/tasks/account', 401, { headers: json, body: '{}' }],
    ['/api/nope', 404, { method: 'GET' }],
  ] as const)('at %s with status %i forbids storing and sniffing', async (path, status, asked) => {
    const body = 'body' in asked ? { body: Buffer.from(asked.body, 'latin1') } : {};
    const answer = await send(gateway.url, { ...asked, path, ...body });
    expect(answer.status).toBe(status);
    expectJsonHeaders(answer.header);
  });

  test('to an unreadable request forbids storing and sniffing', async () => {
    const [answer] = parseAnswers(await openRaw(gateway.url, 'nonsense\r\n\r\n').closed);
    expect(answer?.status).toBe(400);
    expectJsonHeaders((name) => answer?.headers.get(name) ?? null);
  });
});

describe('the other paths', () => {
  test('/health and /ready answer', async () => {
    expect(await (await fetch(new URL('health', gateway.url))).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(new URL('ready', gateway.url))).json()).toEqual({
      status: 'ready',
      checks: { database: 'ok', draining: 'no' },
    });
  });

  test('an unknown path gets 404 and a hint at /graphql', async () => {
    const response = await fetch(new URL('nope', gateway.url));
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('/graphql');
  });
});
