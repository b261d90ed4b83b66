import { request } from 'node:http';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/telemetry/log.ts';
import { startStoreGateway } from '../support/running-gateway.ts';

const ALLOWED = ['https://app.example', 'https://other.example:8443'];
const listing = await startStoreGateway({ env: { CORS_ORIGINS: ALLOWED.join(',') } });
const listingOne = await startStoreGateway({ env: { CORS_ORIGINS: 'https://app.example' } });
const closed = await startStoreGateway();
afterAll(() => Promise.all([listing, listingOne, closed].map((gateway) => gateway.close())));

interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Sends a request as a browser would; fetch refuses to set an Origin. */
function send(url: URL, method: string, headers: Record<string, string>, body = ''): Promise<Received> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL('graphql', url), { method, headers }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers }));
    });
    outgoing.on('error', reject).end(body);
  });
}

const preflight = (url: URL, origin: string) =>
  send(url, 'OPTIONS', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  });

const ask = (url: URL, origin: string, body = '{"query":"{ __typename }"}') =>
  send(url, 'POST', { origin, 'content-type': 'application/json' }, body);

function corsHeaders({ headers }: Received): readonly string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'));
}

/** Origins that are not on the list, though some look similar. */
const UNLISTED = [
  'null',
  'https://evil.example',
  'http://app.example',
  'https://app.example:444',
  'https://app.example.evil.example',
  'https://evil-app.example',
  'https://sub.app.example',
  'https://app.example/',
  'https://app.example@evil.example',
  'https://APP.example',
  'https://app.example, https://evil.example',
  'file://',
  '*',
  '',
];

describe('pages of a listed origin', () => {
  test.each(ALLOWED)('may send the headers that they ask for: %s', async (origin) => {
    const { status, headers } = await preflight(listing.url, origin);
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(headers['access-control-allow-methods']).toBe('GET, POST');
    expect(headers['access-control-allow-headers']).toBe('authorization,content-type');
    expect(headers['access-control-max-age']).toBe('600');
    expect(headers['vary']).toContain('Origin');
  });

  test.each(ALLOWED)('may read answers: %s', async (origin) => {
    for (const _ of ['at first', 'again']) {
      const { status, headers } = await ask(listing.url, origin);
      expect(status).toBe(200);
      expect(headers['access-control-allow-origin']).toBe(origin);
      expect(headers['access-control-expose-headers']).toBe('x-request-id');
      expect(headers['vary']).toContain('Origin');
    }
  });

  test('may read refusals, too', async () => {
    const [origin = ''] = ALLOWED;
    const tooLarge = await ask(listing.url, origin, `{"query":"${'x'.repeat(1_048_576)}"}`);
    expect(tooLarge).toMatchObject({ status: 413, headers: { 'access-control-allow-origin': origin } });
    const forgeable = await send(listing.url, 'POST', { origin, 'content-type': 'text/plain' }, '{}');
    expect(forgeable).toMatchObject({ status: 403, headers: { 'access-control-allow-origin': origin } });
  });
});

describe.each([
  ['of two origins', listing],
  ['of one origin', listingOne],
  ['of none', closed],
])('with a list %s,', (_name, { url }) => {
  test.each(UNLISTED)('a page of "%s" may neither send nor read', async (origin) => {
    const asked = await preflight(url, origin);
    expect(corsHeaders(asked)).toEqual([]);
    for (const _ of [1, 2]) expect(corsHeaders(await ask(url, origin))).toEqual([]);
  });
});

test('a request without an Origin gets no CORS headers', async () => {
  expect(corsHeaders(await send(listing.url, 'OPTIONS', { 'access-control-request-method': 'POST' }))).toEqual([]);
});

test.each([
  ['of one origin', { CORS_ORIGINS: 'https://app.example' }],
  ['of none', {}],
])('with a list %s, the log names the origin of a page that was refused', async (_name, env) => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line), flush: () => {} });
  const gateway = await startStoreGateway({ env, log });
  onTestFinished(() => gateway.close());
  await preflight(gateway.url, 'https://app.example');
  await ask(gateway.url, gateway.url.origin);
  await preflight(gateway.url, 'https://evil.example');
  const refused = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ origin }) => origin);
  const listed = 'CORS_ORIGINS' in env ? [] : ['https://app.example'];
  expect(refused.map(({ origin }) => origin)).toEqual([...listed, 'https://evil.example']);
  expect(refused[0]?.['msg']).toBe('a page of this origin was refused: CORS_ORIGINS does not list it');
});
