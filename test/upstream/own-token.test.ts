import { describe, expect, onTestFinished, test } from 'vitest';
import type { FailureKind, TaskFailure } from '../../src/contract/failure.ts';
import { createOwnToken } from '../../src/upstream/own-token.ts';
import { expectFailure } from './expected-failure.ts';
import { type RestReply, startRestService } from '../support/rest-service.ts';
import { CALL, FORMATS, openTaskService, SAMPLE_TASK } from '../support/upstream-service.ts';
import { SMALL_POST, openClient } from '../support/upstream-client.ts';

const CREDENTIALS = { clientId: '0b6d7a52-65a5-4c4b-8b4c-0c44c1a5a0a1', clientSecret: 'a+b c&d=é' };
const EIGHT_HOURS_MS = 28_800_000;
const FIVE_MINUTES_MS = 300_000;

type AnswerToken = (count: number) => RestReply | Promise<RestReply>;

function tokenReply(token: string, more: object = { token_type: 'bearer', expires_in: 28_800 }): RestReply {
  return json(200, { access_token: token, ...more });
}

function json(status: number, body: object): RestReply {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** Opens a service. Its /Token answers with `answerToken`, by default token-1, token-2, …; it accepts all tokens, or those in `accepted`. */
async function openService(answerToken: AnswerToken = (count) => tokenReply(`token-${count}`)) {
  const accepted = { tokens: null as readonly string[] | null };
  let fetches = 0;
  const service = await startRestService({
    answer({ path, headers }) {
      if (path === '/Token') return answerToken((fetches += 1));
      const isAccepted = accepted.tokens?.some((token) => headers.authorization === `Bearer ${token}`) ?? true;
      return isAccepted ? null : json(401, { Message: 'Authorization has been denied for this request.' });
    },
  });
  onTestFinished(() => service.close());
  return { service, accepted, fetches: () => fetches };
}

async function openToken(answerToken?: AnswerToken, timeoutMs = 20_000) {
  const opened = await openService(answerToken);
  const clock = { nowMs: 1_800_000_000_000 };
  const failures: TaskFailure[] = [];
  const token = createOwnToken({
    client: openClient(opened.service.url, { timeoutMs }),
    ...CREDENTIALS,
    now: () => clock.nowMs,
    onFailure: (failure) => void failures.push(failure),
  });
  return { ...opened, clock, failures, token };
}

type Opened = Awaited<ReturnType<typeof openToken>>;

/** Opens a task service that sends the token. */
function openTasks({ service, token }: Opened, format: (typeof FORMATS)[number] = 'json') {
  return openTaskService(service.url, { format, authorize: token.authorization, reauthorize: token.renew });
}

/** Returns the Authorization of every create that arrived. */
function creates({ service }: Opened) {
  const arrived = service.requests.filter(({ path }) => path === '/api/v2/admin/tasks/account');
  return arrived.map(({ headers }) => headers.authorization);
}

const POLL = { timeout: 20_000 };

describe("the gateway's own token", () => {
  test('the token is requested with the client credentials form', async () => {
    const { service, token } = await openToken();
    expect(await token.authorization()).toBe('Bearer token-1');
    const [request] = service.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/Token' });
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(new URLSearchParams(request?.body.toString()))).toEqual({
      grant_type: 'client_credentials',
      client_id: CREDENTIALS.clientId,
      client_secret: CREDENTIALS.clientSecret,
    });
  });

  test('concurrent calls share one fetch of the token, which is kept', async () => {
    const { fetches, token } = await openToken();
    const headers = await Promise.all(Array.from({ length: 50 }, async () => token.authorization()));
    expect(new Set([...headers, await token.authorization()])).toEqual(new Set(['Bearer token-1']));
    expect(fetches()).toBe(1);
  });

  test('the token is renewed five minutes before it expires, while the old one is still used', async () => {
    const { clock, fetches, token } = await openToken();
    await token.authorization();
    clock.nowMs += EIGHT_HOURS_MS - FIVE_MINUTES_MS - 1;
    expect(await token.authorization()).toBe('Bearer token-1');
    expect(fetches()).toBe(1);
    clock.nowMs += 1;
    const headers = await Promise.all([token.authorization(), token.authorization()]);
    expect(headers).toEqual(['Bearer token-1', 'Bearer token-1']);
    await expect.poll(() => token.authorization(), POLL).toBe('Bearer token-2');
    expect(fetches()).toBe(2);
  });

  test('a token that cannot be renewed is used until it expires, and the failure is reported once', async () => {
    const { clock, failures, fetches, token } = await openToken((count) =>
      count === 1 ? tokenReply('token-1') : json(503, {}),
    );
    await token.authorization();
    clock.nowMs += EIGHT_HOURS_MS - FIVE_MINUTES_MS;
    expect(await token.authorization()).toBe('Bearer token-1');
    await expect.poll(() => failures.length, POLL).toBe(1);
    expect(await token.authorization()).toBe('Bearer token-1');
    expect(fetches()).toBe(2);
    clock.nowMs += FIVE_MINUTES_MS;
    await expectFailure(Promise.resolve(token.authorization()), {
      code: 'UPSTREAM_UNREACHABLE',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    expect(fetches()).toBe(3);
  });

  test.each([
    [{ token_type: 'Bearer', expires_in: '100' }, 100_000],
    [{ expires_in: 1e2 }, 100_000],
    [{ token_type: 'bearer' }, EIGHT_HOURS_MS],
    [{ token_type: 'bearer', expires_in: 'soon' }, EIGHT_HOURS_MS],
  ])('the lifetime of the token follows %j, or is eight hours', async (more, lifetimeMs) => {
    const { clock, token } = await openToken((count) => tokenReply(`token-${count}`, more));
    await token.authorization();
    clock.nowMs += lifetimeMs - 1;
    expect(await token.authorization()).toBe('Bearer token-1');
    await expect.poll(() => token.authorization(), POLL).toBe('Bearer token-2');
  });

  test('calls wait for a new token once the old one has expired', async () => {
    const { clock, token } = await openToken();
    await token.authorization();
    clock.nowMs += EIGHT_HOURS_MS;
    expect(await token.authorization()).toBe('Bearer token-2');
  });
});

describe('a failure to get a token', () => {
  const UNREACHABLE = { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true } as const;
  const REFUSED = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false } as const;
  const BUSY = { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true } as const;

  test.each<[string, RestReply, FailureKind & { readonly retryable: boolean }, string]>([
    ['invalid_client', json(400, { error: 'invalid_client' }), REFUSED, 'HTTP 400, invalid_client'],
    ['401', json(401, {}), REFUSED, 'HTTP 401'],
    ['403 with the secret as its error', json(403, { error: `no ${CREDENTIALS.clientSecret}` }), REFUSED, 'HTTP 403.'],
    ['429', json(429, {}), BUSY, 'HTTP 429'],
    ['500', json(500, {}), UNREACHABLE, 'HTTP 500'],
    ['404', { status: 404, body: '<html>' }, UNREACHABLE, 'HTTP 404'],
    ['a redirect', { status: 302, headers: { Location: '/elsewhere' }, body: '' }, UNREACHABLE, 'HTTP 302'],
    ['no access_token', json(200, { token: 'token-1' }), UNREACHABLE, 'contains no access_token'],
    ['a token with a line break', tokenReply('a\r\nX: b'), UNREACHABLE, 'contains no access_token'],
    ['another type of token', tokenReply('token-1', { token_type: 'mac' }), UNREACHABLE, 'token_type is not bearer'],
    ['an HTML page', { status: 200, body: '<html>' }, UNREACHABLE, 'contains no access_token'],
  ])('a token request answered with %s is NOT_SENT', async (_, reply, kind, cause) => {
    const { failures, token } = await openToken(() => reply);
    const failure = await expectFailure(Promise.resolve(token.authorization()), kind);
    expect(failures).toEqual([failure]);
    expect((failure.cause as Error).message).toContain(cause);
    expect(`${failure.message}${(failure.cause as Error).message}`).not.toMatch(/token-1|a\+b/);
  });

  test('a token request without an answer in time is NOT_SENT', async () => {
    const { token } = await openToken(() => new Promise(() => undefined), 150);
    const failure = await expectFailure(Promise.resolve(token.authorization()), UNREACHABLE);
    expect(failure.cause).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });

  test('no token is requested for half a minute after a refusal, and for a second after another failure', async () => {
    for (const [status, pauseMs] of [
      [400, 30_000],
      [500, 1_000],
    ] as const) {
      const { clock, failures, fetches, token } = await openToken((count) =>
        count === 1 ? json(status, { error: 'invalid_client' }) : tokenReply('token-2'),
      );
      await expect(token.authorization()).rejects.toThrow('Nothing was done.');
      clock.nowMs += pauseMs - 1;
      await expect(token.authorization()).rejects.toThrow('Nothing was done.');
      expect([fetches(), failures.length]).toEqual([1, 1]);
      clock.nowMs += 1;
      expect(await token.authorization()).toBe('Bearer token-2');
    }
  });
});

describe("a create with the gateway's own token", () => {
  test.each(FORMATS)(
    "a create in %s carries the gateway's token instead of the caller's credentials",
    async (format) => {
      const opened = await openToken();
      const tasks = openTasks(opened, format);
      await Promise.all([tasks.create(SAMPLE_TASK, CALL), tasks.create(SAMPLE_TASK, CALL)]);
      expect(creates(opened)).toEqual(['Bearer token-1', 'Bearer token-1']);
      expect(opened.fetches()).toBe(1);
    },
  );

  test('a create is sent once more with a new token after a 401, and creates one task', async () => {
    const opened = await openToken();
    const tasks = openTasks(opened);
    await tasks.create(SAMPLE_TASK, CALL);
    opened.accepted.tokens = ['token-2'];
    await tasks.create(SAMPLE_TASK, CALL);
    expect(creates(opened)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    expect(opened.service.tasks).toHaveLength(2);
  });

  test('creates that got a 401 at the same time share the new token', async () => {
    const opened = await openToken();
    const tasks = openTasks(opened);
    opened.accepted.tokens = ['token-2'];
    await Promise.all(Array.from({ length: 10 }, () => tasks.create(SAMPLE_TASK, CALL)));
    expect(opened.fetches()).toBe(2);
    expect(opened.service.tasks).toHaveLength(10);
  });

  test('a create fails when the new token is refused too, and not every create fetches another', async () => {
    const opened = await openToken();
    const tasks = openTasks(opened);
    opened.accepted.tokens = [];
    const REFUSED = { code: 'UNAUTHENTICATED', outcome: 'REJECTED', retryable: false } as const;
    await expectFailure(tasks.create(SAMPLE_TASK, CALL), REFUSED);
    expect(creates(opened)).toEqual(['Bearer token-1', 'Bearer token-2']);
    await expectFailure(tasks.create(SAMPLE_TASK, CALL), REFUSED);
    expect([creates(opened).length, opened.fetches()]).toEqual([3, 2]);
    opened.clock.nowMs += 30_000;
    opened.accepted.tokens = ['token-3'];
    await tasks.create(SAMPLE_TASK, CALL);
    expect(opened.fetches()).toBe(3);
  });

  test.each([
    ['cannot be fetched', 500, { code: 'OVERLOADED', outcome: 'REJECTED', retryable: true }],
    ['is refused', 400, { code: 'UNAUTHENTICATED', outcome: 'REJECTED', retryable: false }],
  ] as const)('a create that got a 401 is REJECTED if a new token %s', async (_, status, failure) => {
    const opened = await openToken((count) => (count === 1 ? tokenReply('token-1') : json(status, {})));
    opened.accepted.tokens = [];
    await expectFailure(openTasks(opened).create(SAMPLE_TASK, CALL), failure);
    expect(creates(opened)).toEqual(['Bearer token-1']);
  });

  test('a create is not sent without a token', async () => {
    const opened = await openToken(() => json(500, {}));
    const tasks = openTasks(opened);
    await expectFailure(tasks.create(SAMPLE_TASK, CALL), {
      code: 'UPSTREAM_UNREACHABLE',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    expect(creates(opened)).toEqual([]);
  });

  test('a create that waits for the token counts as in flight, and the token request needs no slot', async () => {
    const gate = Promise.withResolvers<RestReply>();
    const { service, fetches } = await openService(() => gate.promise);
    const client = openClient(service.url, { maxInFlight: 10 });
    const token = createOwnToken({ client, ...CREDENTIALS, now: Date.now, onFailure: () => undefined });
    const tasks = openTaskService(service.url, { client, authorize: token.authorization, reauthorize: token.renew });
    const enough = Promise.withResolvers<void>();
    const refusals: TaskFailure[] = [];
    const calls = Array.from({ length: 100 }, () =>
      tasks.create(SAMPLE_TASK, CALL).catch((error: TaskFailure) => {
        if (refusals.push(error) === 90) enough.resolve();
      }),
    );
    await enough.promise; // while there is no token
    await expectFailure(client.post({ ...SMALL_POST, caller: CALL.caller.authorization }), {
      code: 'OVERLOADED',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    gate.resolve(tokenReply('token-1'));
    await Promise.all(calls);
    expect(new Set(refusals.map(({ code, outcome }) => `${code} ${outcome}`))).toEqual(
      new Set(['OVERLOADED NOT_SENT']),
    );
    expect([refusals.length, service.tasks.length, fetches()]).toEqual([90, 10, 1]);
    await tasks.create(SAMPLE_TASK, CALL);
  });

  test('a create that waits for its token is finished before the connections are closed', async () => {
    const gate = Promise.withResolvers<RestReply>();
    const opened = await openService(() => gate.promise);
    const client = openClient(opened.service.url);
    const token = createOwnToken({ client, ...CREDENTIALS, now: Date.now, onFailure: () => undefined });
    const tasks = openTaskService(opened.service.url, { client, authorize: token.authorization });
    const created = tasks.create(SAMPLE_TASK, CALL);
    const closed = tasks.close();
    gate.resolve(tokenReply('token-1'));
    await created;
    await closed;
    expect(opened.service.tasks).toHaveLength(1);
    await expect(token.renew('Bearer token-1')).rejects.toThrow('shutting down');
  });

  test("a 401 is final if the token is the caller's", async () => {
    const opened = await openToken();
    opened.accepted.tokens = [];
    const tasks = openTaskService(opened.service.url);
    await expectFailure(tasks.create(SAMPLE_TASK, CALL), {
      code: 'UNAUTHENTICATED',
      outcome: 'REJECTED',
      retryable: false,
    });
    expect(creates(opened)).toHaveLength(1);
  });
});
