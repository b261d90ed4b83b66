import { afterAll, describe, expect, test } from 'vitest';
import { createLog, NO_LOG_SINK } from '../../src/telemetry/log.ts';
import { createTokenEndpoint, createWorkQueue, type IssueToken } from '../../src/auth/token-endpoint.ts';
import { toHttpRequest, toRecord } from '../support/http-request.ts';
import { startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());
const { client, secret } = await gateway.store.clients.create({ name: 'rest' });

const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };
const GRANT = { grant_type: 'client_credentials' };
const CREDENTIALS = { client_id: client.id, client_secret: secret };

interface AskOptions {
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly method?: string;
  readonly url?: URL;
}

function ask(
  form: Record<string, string> | string,
  { headers, path = 'Token', method, url = gateway.url }: AskOptions = {},
) {
  return fetch(new URL(path, url), {
    method: method ?? 'POST',
    headers: { ...FORM_HEADERS, ...headers },
    ...(method === 'GET' ? {} : { body: typeof form === 'string' ? form : new URLSearchParams(form).toString() }),
  });
}

function basic(id: string, password: string) {
  return { headers: { authorization: `Basic ${btoa(`${id}:${password}`)}` } };
}

describe('a client with its secret', () => {
  test('gets a bearer token that the gateway accepts for 8 hours', async () => {
    const response = await ask({ ...GRANT, ...CREDENTIALS });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('pragma')).toBe('no-cache');
    const { access_token: token, ...rest } = (await response.json()) as { access_token: string };
    expect(rest).toEqual({ token_type: 'bearer', expires_in: 28_800 });
    expect(await gateway.store.tokens.verify(token)).toEqual({
      kind: 'account',
      accountId: client.accountId,
      clientId: client.id,
    });
    const list = { query: '{ accountTasks { edges { cursor } } }' };
    const { json } = await gateway.graphql(list, { authorization: `Bearer ${token}` });
    expect(json.data).toEqual({ accountTasks: { edges: [] } });
  });

  test.each(['token', 'TOKEN', 'Token?a=b'])('gets a token at /%s too', async (path) => {
    expect((await ask({ ...GRANT, ...CREDENTIALS }, { path })).status).toBe(200);
  });

  test('may send it as HTTP Basic', async () => {
    expect((await ask(GRANT, basic(client.id, secret))).status).toBe(200);
  });

  test('may write its id in any form of a GUID, and its media type with a charset', async () => {
    const form = { ...GRANT, client_id: `{${client.id.toUpperCase()}}`, client_secret: secret };
    const headers = { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' };
    expect((await ask(form, { headers })).status).toBe(200);
  });
});

describe('the token endpoint', () => {
  const repeated = new URLSearchParams([...Object.entries({ ...GRANT, ...CREDENTIALS }), ['client_id', client.id]]);
  const wrongSecret = { ...CREDENTIALS, client_secret: `${secret.slice(0, -1)}!` };
  test.each<[string, Record<string, string> | string, AskOptions, string]>([
    ['a wrong secret', { ...GRANT, ...wrongSecret }, {}, 'invalid_client'],
    ['an endless secret', { ...GRANT, ...CREDENTIALS, client_secret: 'x'.repeat(4000) }, {}, 'invalid_client'],
    ['an unknown client', { ...GRANT, ...CREDENTIALS, client_id: crypto.randomUUID() }, {}, 'invalid_client'],
    ['a client that is no GUID', { ...GRANT, ...CREDENTIALS, client_id: 'rest' }, {}, 'invalid_client'],
    ['no client', GRANT, {}, 'invalid_client'],
    ['no secret', { ...GRANT, client_id: client.id }, {}, 'invalid_client'],
    ['a wrong secret as Basic', GRANT, basic(client.id, 'wrong'), 'invalid_client'],
    ['Basic without a colon', GRANT, { headers: { authorization: `Basic ${btoa(client.id)}` } }, 'invalid_client'],
    ['Basic that is not Base64', GRANT, { headers: { authorization: 'Basic %%%' } }, 'invalid_client'],
    ['Basic with a broken escape', GRANT, basic(client.id, '%zz'), 'invalid_client'],
    ['another grant', { ...CREDENTIALS, grant_type: 'password' }, {}, 'unsupported_grant_type'],
    ['no grant', CREDENTIALS, {}, 'invalid_request'],
    ['a parameter given twice', repeated.toString(), {}, 'invalid_request'],
    ['a secret given twice', { ...GRANT, ...CREDENTIALS }, basic(client.id, secret), 'invalid_request'],
    ['an empty body', '', {}, 'invalid_request'],
    [
      'JSON',
      JSON.stringify({ ...GRANT, ...CREDENTIALS }),
      { headers: { 'content-type': 'application/json' } },
      'invalid_request',
    ],
  ])('refuses %s in JSON that is not cached', async (_, form, options, error) => {
    const response = await ask(form, options);
    const isBasic = error === 'invalid_client' && options.headers?.['authorization'] !== undefined;
    expect(response.status).toBe(isBasic ? 401 : 400);
    expect(response.headers.get('www-authenticate')).toBe(
      isBasic ? 'Basic realm="account-task-gateway", charset="UTF-8"' : null,
    );
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({ error, error_description: expect.any(String) as string });
    expect(text).not.toContain(secret);
  });

  test('refuses GET with 405 and a large body with 413', async () => {
    const get = await ask('', { method: 'GET' });
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await ask({ ...GRANT, ...CREDENTIALS, more: 'x'.repeat(9000) })).status).toBe(413);
  });
});

/** Creates an endpoint with fake secrets and a clock that the test moves. */
function openEndpoint(issueToken: IssueToken) {
  const clock = { nowMs: 1_800_000_000_000 };
  const endpoint = createTokenEndpoint({
    issueToken,
    toAddress: ({ remoteAddress }) => remoteAddress,
    log: createLog('silent', NO_LOG_SINK),
    now: () => clock.nowMs,
  });
  const tryOnce = (id: string, password: string, remoteAddress = '127.0.0.1') => {
    const body = new URLSearchParams({ ...GRANT, client_id: id, client_secret: password }).toString();
    return endpoint(toHttpRequest({ headers: FORM_HEADERS, body, remoteAddress }), toRecord('test'));
  };
  const tryFrom = async (address: string, id: string, password: string) =>
    (await tryOnce(id, password, address)).status;
  const statuses = async (id: string, password: string, times: number): Promise<number[]> => {
    const found: number[] = [];
    for (let time = 0; time < times; time += 1) found.push((await tryOnce(id, password)).status);
    return found;
  };
  return { clock, tryOnce, tryFrom, statuses };
}

const ONE = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';
const FIVE_MINUTES_MS = 300_000;
const issueForRight: IssueToken = async (_, password) =>
  password === 'right' ? { token: 't', expiresInSeconds: 60 } : null;

describe('guessing secrets', () => {
  test('is stopped after ten failures of a client from an address, even for the right secret, until they expire', async () => {
    const { clock, tryOnce, statuses } = openEndpoint(issueForRight);
    expect(await statuses(ONE, 'wrong', 11)).toEqual([...Array<number>(10).fill(400), 429]);
    const refused = await tryOnce(`{${ONE.toUpperCase()}}`, 'right');
    expect([refused.status, refused.headers['Retry-After']]).toEqual([429, '300']);
    expect(refused.body).toContain('"error":"temporarily_unavailable"');
    expect(await statuses(OTHER, 'right', 1)).toEqual([200]);
    clock.nowMs += FIVE_MINUTES_MS - 1500;
    expect((await tryOnce(ONE, 'right')).headers['Retry-After']).toBe('2');
    clock.nowMs += 1500;
    expect(await statuses(ONE, 'right', 1)).toEqual([200]);
  });

  test('from many addresses does not lock out a client at another address', async () => {
    const { tryFrom } = openEndpoint(issueForRight);
    const others = Array.from({ length: 15 }, (_, index) => `192.0.2.${index + 1}`);
    for (let round = 0; round < 10; round += 1) for (const address of others) await tryFrom(address, ONE, 'wrong');
    for (const address of others) expect(await tryFrom(address, ONE, 'right')).toBe(429);
    expect(await tryFrom('192.0.2.100', ONE, 'right')).toBe(200);
  });

  test('from many addresses leaves three attempts to each, and a success does not count', async () => {
    const { tryFrom } = openEndpoint(issueForRight);
    for (let index = 0; index < 100; index += 1) await tryFrom(`192.0.2.${1 + (index % 20)}`, ONE, 'wrong');
    const own: number[] = [];
    for (const password of ['right', 'wrong', 'wrong', 'right', 'right', 'wrong', 'right'])
      own.push(await tryFrom('192.0.2.100', ONE, password));
    expect(own).toEqual([200, 400, 400, 200, 200, 400, 429]);
    expect(await tryFrom('192.0.2.100', OTHER, 'right')).toBe(200);
  });

  test('is stopped after thirty failures of an address for any clients', async () => {
    const { statuses } = openEndpoint(issueForRight);
    for (let index = 0; index < 30; index += 1) expect(await statuses(crypto.randomUUID(), 'wrong', 1)).toEqual([400]);
    expect(await statuses(OTHER, 'right', 1)).toEqual([429]);
  });

  test('is not suspected when the right secret comes often', async () => {
    const { statuses } = openEndpoint(issueForRight);
    expect(await statuses(ONE, 'right', 40)).toEqual(Array<number>(40).fill(200));
  });

  test('is not faster with many concurrent requests', async () => {
    let verified = 0;
    const { tryOnce } = openEndpoint(async () => {
      verified += 1;
      return null;
    });
    const responses = await Promise.all(Array.from({ length: 25 }, () => tryOnce(ONE, 'wrong')));
    expect(responses.filter(({ status }) => status === 400)).toHaveLength(10);
    expect(verified).toBe(10);
  });

  test('is not suspected when the store fails', async () => {
    let isBroken = true;
    const { tryOnce, statuses } = openEndpoint(async (id, password) => {
      if (isBroken) throw new Error('no database');
      return issueForRight(id, password);
    });
    for (let attempts = 0; attempts < 12; attempts += 1)
      await expect(tryOnce(ONE, 'right')).rejects.toThrow('no database');
    isBroken = false;
    expect(await statuses(ONE, 'right', 1)).toEqual([200]);
  });
});

test('token requests beyond those that run and those that may wait are refused', async () => {
  let running = 0;
  let mostRunning = 0;
  const gate = Promise.withResolvers<void>();
  const { tryOnce } = openEndpoint(async () => {
    running += 1;
    mostRunning = Math.max(mostRunning, running);
    await gate.promise;
    running -= 1;
    return { token: 't', expiresInSeconds: 60 };
  });
  let refused = 0;
  const post = async (): Promise<string> => {
    const { status, headers } = await tryOnce(ONE, 'right');
    // The running and waiting requests go on only after all others have been refused.
    if (status === 503 && (refused += 1) === 6) gate.resolve();
    return `${status} ${headers['Retry-After'] ?? ''}`;
  };
  const answers = await Promise.all(Array.from({ length: 40 }, post));
  expect(answers.toSorted()).toEqual([...Array<string>(34).fill('200 '), ...Array<string>(6).fill('503 1')]);
  expect(mostRunning).toBe(2);
});

/** Creates jobs that run until `end` is called. */
function work() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { started, start, end: (name: string) => ends.get(name)?.() };
}

test('jobs run up to the limit, wait in order up to a second limit, and are refused beyond', async () => {
  const { started, start, end } = work();
  const queue = createWorkQueue({ maxRunning: 2, maxWaiting: 2 });
  const results = ['a', 'b', 'c', 'd'].map((name) => queue(start(name)));
  expect(started).toEqual(['a', 'b']);
  expect(queue(start('e'))).toBeNull();
  end('b');
  expect(await results[1]).toBe('b');
  await expect.poll(() => started, { timeout: 20_000 }).toEqual(['a', 'b', 'c']);
  end('a');
  await expect.poll(() => started, { timeout: 20_000 }).toEqual(['a', 'b', 'c', 'd']);
  end('c');
  end('d');
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) expect(await results[index]).toBe(name);
});

test('a job that fails makes room for the next one', async () => {
  const queue = createWorkQueue({ maxRunning: 1, maxWaiting: 1 });
  const failing = queue(() => Promise.reject(new Error('no')));
  const waiting = queue(async () => 'done');
  await expect(failing).rejects.toThrow('no');
  expect(await waiting).toBe('done');
  expect(await queue(async () => 'again')).toBe('again');
});
