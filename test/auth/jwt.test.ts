import { setImmediate as turn } from 'node:timers/promises';
import { base64url, exportSPKI, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TaskFailure } from '../../src/contract/failure.ts';
import { createTokenVerifier, type TokenVerifierOptions } from '../../src/auth/jwt.ts';
import {
  AUDIENCE,
  createKey,
  ISSUER,
  type Issuer,
  type KeyPair,
  signJwt,
  startIssuer,
  SUBJECT,
} from '../support/issuer.ts';

const [key, rsaKey, otherKey] = await Promise.all([createKey('one'), createKey('rsa', 'RS256'), createKey('one')]);
const issuer = await startIssuer(key, rsaKey);
afterAll(() => issuer.close());

const EXPECTED = { jwksUrl: issuer.jwksUrl, issuer: ISSUER, audience: AUDIENCE };
const verifyToken = createTokenVerifier(EXPECTED);
const verifySubject = async (token: string) => (await verifyToken(token)).subject;
const nowSeconds = Math.floor(Date.now() / 1000);

async function failureOf(verifying: Promise<string>): Promise<TaskFailure> {
  const failure: unknown = await verifying.then(
    (subject) => `accepted as ${subject}`,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(TaskFailure);
  return failure as TaskFailure;
}

async function refusalOf(token: string) {
  const { code, outcome, retryable, message } = await failureOf(verifySubject(token));
  return { code, outcome, retryable, message };
}

function refused(reason: string) {
  return {
    code: 'UNAUTHENTICATED',
    outcome: 'NOT_SENT',
    retryable: false,
    message: `The bearer token ${reason}.`,
  };
}

const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 3_600_000;

function fakeClocks(...others: readonly 'setTimeout'[]): void {
  vi.useFakeTimers({ toFake: ['Date', 'performance', ...others] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Opens an issuer for one test, and a verifier of its JWTs. */
async function openIssuer(options: Partial<TokenVerifierOptions> = {}) {
  const own = await startIssuer(key);
  onTestFinished(() => own.close());
  const verifyOwn = createTokenVerifier({ ...EXPECTED, jwksUrl: own.jwksUrl, ...options });
  return { own, verify: async (token: string) => (await verifyOwn(token)).subject };
}

describe('a JWT of the issuer for this audience', () => {
  test.each(['ES256', 'RS256'])('authenticates its subject, signed with %s', async (alg) => {
    expect(await verifySubject(await signJwt(alg === 'RS256' ? rsaKey : key))).toBe(SUBJECT);
  });

  test('may name several audiences and be signed by a clock that is seconds ahead', async () => {
    const claims = { aud: ['other', AUDIENCE], nbf: nowSeconds + 3, iat: nowSeconds + 3 };
    expect(await verifySubject(await signJwt(key, claims))).toBe(SUBJECT);
  });
});

describe('the typ of a JWT', () => {
  test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/JWT'])('may be %s', async (typ) => {
    expect(await verifySubject(await signJwt(key, {}, { typ }))).toBe(SUBJECT);
  });

  test.each(['logout+jwt', 'dpop+jwt', 'application/logout+jwt', 'secevent+jwt', 'JOSE', 'at+jwt+x', '', 17, null])(
    'may not be %j',
    async (typ) => {
      expect(await refusalOf(await signJwt(key, {}, { typ }))).toEqual(
        refused('is not an access token: its "typ" must be "at+jwt", "JWT" or absent'),
      );
    },
  );
});

describe('the verifier', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['another issuer', { iss: 'https://evil.example/' }, 'does not have the expected "iss" claim'],
    ['no issuer', { iss: undefined }, 'does not have the expected "iss" claim'],
    ['another audience', { aud: 'billing' }, 'does not have the expected "aud" claim'],
    ['no audience', { aud: undefined }, 'does not have the expected "aud" claim'],
    ['an expiry in the past', { exp: nowSeconds - 60 }, 'has expired'],
    ['no expiry', { exp: undefined }, 'does not have the expected "exp" claim'],
    ['a start in the future', { nbf: nowSeconds + 600 }, 'does not have the expected "nbf" claim'],
    ['no subject', { sub: undefined }, 'does not have the expected "sub" claim'],
    ['a blank subject', { sub: '' }, 'has no subject ("sub")'],
    ['a subject that is not a string', { sub: 17 }, 'has no subject ("sub")'],
  ])('refuses a JWT with %s', async (_, claims, reason) => {
    expect(await refusalOf(await signJwt(key, claims))).toEqual(refused(reason));
  });

  test('refuses a signature by another key with the same id', async () => {
    expect(await refusalOf(await signJwt(otherKey))).toEqual(refused('has an invalid signature'));
  });

  test('refuses claims that were changed after signing', async () => {
    const [header, , signature] = (await signJwt(key)).split('.');
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'another', exp: nowSeconds + 3600 };
    const token = [header, base64url.encode(JSON.stringify(claims)), signature].join('.');
    expect(await refusalOf(token)).toEqual(refused('has an invalid signature'));
  });

  test('refuses the algorithm none', async () => {
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: SUBJECT, exp: nowSeconds + 3600 };
    expect(await refusalOf(new UnsecuredJWT(claims).encode())).toEqual(
      refused('is signed with an algorithm that is not allowed'),
    );
  });

  test('refuses HS256 with the published key as its secret', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(rsaKey.publicKey));
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: SUBJECT, exp: nowSeconds + 3600 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'rsa' }).sign(secret);
    expect(await refusalOf(token)).toEqual(refused('is signed with an algorithm that is not allowed'));
  });

  test('refuses a key that is not published', async () => {
    expect(await refusalOf(await signJwt({ ...otherKey, kid: 'unknown' }))).toEqual(
      refused('is signed with an unknown key'),
    );
  });

  test('refuses a signature by none of several possible keys', async () => {
    const { own, verify } = await openIssuer();
    own.publish(key, await createKey('next'));
    const { kid: _, ...unnamed } = otherKey;
    expect((await failureOf(verify(await signJwt(unnamed)))).message).toBe(
      'The bearer token has an invalid signature.',
    );
    const { kid: __, ...known } = key;
    expect((await failureOf(verify(await signJwt(known, { aud: 'billing' })))).message).toBe(
      'The bearer token does not have the expected "aud" claim.',
    );
  });

  test("refuses another algorithm than the key's", async () => {
    expect(await refusalOf(await signJwt({ ...rsaKey, kid: 'one' }))).toEqual(refused('is signed with an unknown key'));
  });

  test.each(['a.b.c', '..', 'x.y', `${'a'.repeat(5000)}.b.c`])('refuses a malformed token: %s', async (token) => {
    expect(await refusalOf(token)).toEqual(refused('is not a valid JWT'));
  });
});

describe.each([
  ['named in the JWT', true],
  ['not named in the JWT', false],
])('a signing key, %s,', (_, isNamed) => {
  const sign = ({ kid, ...pair }: KeyPair) => signJwt(isNamed ? { kid, ...pair } : pair, { exp: nowSeconds + 86_400 });

  test('can be rotated in the order of the operations page without refusing a JWT', async () => {
    fakeClocks();
    const { own, verify } = await openIssuer();
    const next = await createKey('next');
    const [oldToken, newToken] = await Promise.all([sign(key), sign(next)]);
    expect(await verify(oldToken)).toBe(SUBJECT);

    own.publish(key, next);
    expect(await verify(oldToken)).toBe(SUBJECT);
    // The new key is unknown until the cached keys expire, so it must not be used to sign yet.
    expect((await failureOf(verify(newToken))).code).toBe('UNAUTHENTICATED');
    vi.advanceTimersByTime(TEN_MINUTES_MS);
    for (const token of [newToken, oldToken, newToken]) expect(await verify(token)).toBe(SUBJECT);

    own.publish(next);
    expect(await verify(newToken)).toBe(SUBJECT);
    // JWTs of the old key are accepted until the cached keys expire.
    expect(await verify(oldToken)).toBe(SUBJECT);
    vi.advanceTimersByTime(TEN_MINUTES_MS);
    expect(await verify(newToken)).toBe(SUBJECT);
    expect((await failureOf(verify(oldToken))).code).toBe('UNAUTHENTICATED');
    expect(own.fetches()).toBe(3);
  });
});

describe('the published keys', () => {
  test('are fetched once for many JWTs', async () => {
    const { own, verify } = await openIssuer();
    const token = await signJwt(key);
    await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    await verify(token);
    expect(own.fetches()).toBe(1);
  });

  test('are fetched again for a new key, and a removed key is refused', async () => {
    const { own, verify } = await openIssuer({ cooldownMs: 0 });
    const token = await signJwt(key);
    await verify(token);
    const next = await createKey('next');
    own.publish(next);
    expect(await verify(await signJwt(next))).toBe(SUBJECT);
    expect(own.fetches()).toBe(2);
    expect((await failureOf(verify(token))).code).toBe('UNAUTHENTICATED');
  });

  test('are not fetched again for every key id that a caller makes up', async () => {
    const { own, verify } = await openIssuer();
    for (const kid of ['a', 'b', 'c']) await failureOf(verify(await signJwt({ ...otherKey, kid })));
    expect(own.fetches()).toBe(1);
  });

  const UNAVAILABLE = { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true };

  test.each([
    ['an error', { status: 500, body: '' }],
    ['a page', { status: 200, body: '<html>' }],
    ['no keys', { status: 200, body: '{}' }],
  ])('answered with %s make a JWT fail as UPSTREAM_UNREACHABLE until they can be fetched again', async (_, answer) => {
    const { own, verify } = await openIssuer();
    own.fail(answer);
    const token = await signJwt(key);
    const { code, outcome, retryable, message } = await failureOf(verify(token));
    expect({ code, outcome, retryable }).toEqual(UNAVAILABLE);
    expect(message).toBe(
      'The bearer token cannot be verified because the keys of its issuer cannot be fetched. Nothing was sent.',
    );
    own.fail(null);
    expect(await verify(token)).toBe(SUBJECT);
  });

  test('that are never answered time out', { timeout: 4_000 }, async () => {
    const { own, verify } = await openIssuer({ timeoutMs: 100 });
    own.fail('never');
    const { code, outcome, retryable } = await failureOf(verify(await signJwt(key)));
    expect({ code, outcome, retryable }).toEqual(UNAVAILABLE);
  });

  test('that are too large are rejected and counted', async () => {
    let failures = 0;
    const { own, verify } = await openIssuer({ onKeysUnavailable: () => (failures += 1) });
    const known = [key.jwk, ...Array.from({ length: 2000 }, () => otherKey.jwk)];
    own.fail({ status: 200, body: JSON.stringify({ keys: known }) });
    const failure = await failureOf(verify(await signJwt(key)));
    expect(failure).toMatchObject({ ...UNAVAILABLE, cause: expect.any(RangeError) as RangeError });
    expect(failures).toBe(1);
  });

  const LONG = { exp: nowSeconds + 86_400 };

  test.each<[string, Parameters<Issuer['fail']>[0], number]>([
    ['errors', { status: 503, body: '' }, 0],
    ['silence', 'never', 1_000],
  ])(
    'are used for an hour of %s after the ten minutes that they are fresh, but no longer',
    async (_, answer, silenceMs) => {
      fakeClocks('setTimeout');
      const { own, verify } = await openIssuer({ timeoutMs: 1_000 });
      let hasEnded = false;
      onTestFinished(() => {
        hasEnded = true;
      });
      /** Lets the time limit pass once the issuer has been asked this often. */
      const endSilence = async (fetches: number): Promise<void> => {
        // `expect.poll` would advance the clocks.
        while (own.fetches() < fetches) {
          // A test that has timed out must neither loop for ever nor advance the clocks of the next one.
          if (hasEnded) return;
          await turn();
        }
        vi.advanceTimersByTime(silenceMs);
      };
      const token = await signJwt(key, LONG);
      await verify(token);
      own.fail(answer);
      vi.advanceTimersByTime(TEN_MINUTES_MS);
      const [whileStale] = await Promise.all([verify(token), endSilence(2)]);
      expect(whileStale).toBe(SUBJECT);
      vi.advanceTimersByTime(HOUR_MS - silenceMs - 1);
      expect(await verify(token)).toBe(SUBJECT);
      vi.advanceTimersByTime(1);
      const [failure] = await Promise.all([failureOf(verify(token)), endSilence(3)]);
      expect(failure.code).toBe('UPSTREAM_UNREACHABLE');
      own.fail(null);
      expect(await verify(token)).toBe(SUBJECT);
    },
  );

  test('are fetched once in half a minute during an outage, and no request waits for them', {
    timeout: 4_000,
  }, async () => {
    fakeClocks();
    const { own, verify } = await openIssuer({ timeoutMs: 60_000 });
    const token = await signJwt(key, LONG);
    await verify(token);
    own.fail({ status: 503, body: '' });
    vi.advanceTimersByTime(TEN_MINUTES_MS);
    await verify(token);
    own.fail('never');
    vi.advanceTimersByTime(30_000);
    for (let times = 0; times < 10; times += 1) expect(await verify(token)).toBe(SUBJECT);
    await expect.poll(own.fetches).toBe(3);
  });

  test('that are unknown during an outage are UPSTREAM_UNREACHABLE, not UNAUTHENTICATED', async () => {
    fakeClocks();
    const { own, verify } = await openIssuer();
    await verify(await signJwt(key, LONG));
    const next = await createKey('next');
    own.publish(key, next);
    own.fail({ status: 503, body: '' });
    vi.advanceTimersByTime(TEN_MINUTES_MS);
    const token = await signJwt(next, LONG);
    for (let times = 0; times < 2; times += 1) expect(await failureOf(verify(token))).toMatchObject(UNAVAILABLE);
    own.fail(null);
    vi.advanceTimersByTime(30_000);
    expect(await verify(token)).toBe(SUBJECT);
  });

  test('that cannot be fetched do not affect a JWT with a known key', async () => {
    const { own, verify } = await openIssuer();
    const token = await signJwt(key);
    await verify(token);
    await own.close();
    expect(await verify(token)).toBe(SUBJECT);
  });
});
