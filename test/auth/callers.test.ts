import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { type RestRequest, startRestService } from '../support/rest-service.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer, SUBJECT } from '../support/issuer.ts';

const CREATE = {
  query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { clientId } } }',
  variables: { input: SAMPLE_INPUT },
};
const OWN = { UPSTREAM_CLIENT_ID: 'gateway', UPSTREAM_CLIENT_SECRET: 'hunter2-secret' };
const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false };

const key = await createKey('one');
const issuer = await startIssuer(key);
const AUTH = { AUTH_JWKS_URL: issuer.jwksUrl.href, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };

/** The requests that the service has received since the test began. */
let requests: RestRequest[] = [];
let secret = OWN.UPSTREAM_CLIENT_SECRET;
const service = await startRestService({
  answer(request) {
    requests.push(request);
    if (request.path !== '/Token') return null;
    const isRight = new URLSearchParams(request.body.toString()).get('client_secret') === secret;
    const body = isRight ? { access_token: 'own-token', token_type: 'bearer' } : { error: 'invalid_client' };
    return { status: isRight ? 200 : 400, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  },
});
const logged: string[] = [];
const note = (facts: object, message: string) => {
  const { cause, err } = facts as { cause?: Error; err?: Error };
  logged.push(`${message} ${JSON.stringify(facts)} ${err?.message} ${cause?.message}`);
};
const log: Log = { debug: note, info: note, warn: note, error: note };
const UPSTREAM = { UPSTREAM_URL: service.url.href, RECORD: 'off' };
const openGateway = (env: Record<string, string>) => startGateway(openBackend, { env: { ...UPSTREAM, ...env }, log });

const store = await startStoreGateway({ env: AUTH });
const forwarding = await openGateway(AUTH);
const own = await openGateway({ ...AUTH, ...OWN });
afterAll(async () => {
  for (const part of [store, forwarding, own, service, issuer]) await part.close();
});
beforeEach(() => {
  requests = [];
  secret = OWN.UPSTREAM_CLIENT_SECRET;
});

const bearer = async (claims = {}) => ({ authorization: `Bearer ${await signJwt(key, claims)}` });
const sent = () => requests.map(({ path, headers }) => `${path} ${headers.authorization}`);

describe('a gateway with a store and an issuer', () => {
  test('accepts its own tokens and JWTs whose subject is an account', async () => {
    const created = { createAccountTask: { accountTask: { clientId: store.clientId } } };
    expect((await store.graphql(CREATE)).json.data).toEqual(created);
    const jwt = await bearer({ sub: store.accountId.toUpperCase() });
    expect((await store.graphql(CREATE, jwt)).json.data).toEqual(created);
  });

  test('rejects a JWT whose subject is no account or that is for another audience', async () => {
    for (const claims of [{ sub: SUBJECT }, { sub: store.accountId, aud: 'billing' }]) {
      const { json } = await store.graphql(CREATE, await bearer(claims));
      expect(json.errors?.[0]?.extensions).toMatchObject(UNAUTHENTICATED);
    }
  });

  test("does not fetch the issuer's keys for its own tokens", async () => {
    const fetches = issuer.fetches();
    await store.graphql(CREATE);
    await store.graphql(CREATE, { authorization: 'Bearer nonsense' });
    expect(issuer.fetches()).toBe(fetches);
  });
});

describe('a gateway that forwards credentials and has an issuer', () => {
  test('verifies the JWT and forwards it', async () => {
    const jwt = await bearer();
    expect((await forwarding.graphql(CREATE, jwt)).json.errors).toBeUndefined();
    expect(sent()).toEqual([`/api/v2/admin/tasks/account ${jwt.authorization}`]);
  });

  test.each(['Bearer nonsense', 'Basic dXNlcjpwYXNz', ''])('sends nothing for "%s"', async (authorization) => {
    const { json } = await forwarding.graphql(CREATE, { authorization });
    expect(json.errors?.[0]?.extensions).toMatchObject(UNAUTHENTICATED);
    expect(sent()).toEqual([]);
  });
});

describe('a gateway with its own credentials', () => {
  test('sends nothing for an unauthenticated caller, not even a token request', async () => {
    for (const headers of [{ authorization: 'Bearer nonsense' }, await bearer({ aud: 'billing' }), {}]) {
      const { json } = await own.graphql(CREATE, headers);
      expect(json.errors?.[0]?.extensions).toMatchObject(UNAUTHENTICATED);
    }
    expect(sent()).toEqual([]);
  });

  test('reports a wrong secret to the caller and, with the reason, to the log, without revealing it', async () => {
    secret = 'another';
    const fresh = await openGateway({ ...AUTH, ...OWN });
    const { status, json, text } = await fresh.graphql(CREATE, await bearer());
    await fresh.close();
    expect(status).toBe(200);
    expect(json.errors?.[0]?.extensions).toMatchObject(UNAUTHENTICATED);
    expect(json.errors?.[0]?.message).toContain("the gateway's own credentials");
    expect(sent()).toEqual(['/Token undefined']);
    expect(logged.join()).toContain('HTTP 400, invalid_client');
    expect(`${logged.join()}${text}`).not.toContain(OWN.UPSTREAM_CLIENT_SECRET);
  });

  test('sends its own token for an authenticated caller, and never the JWT', async () => {
    expect((await own.graphql(CREATE, await bearer())).json.errors).toBeUndefined();
    expect((await own.graphql(CREATE, await bearer({ sub: 'another' }))).json.errors).toBeUndefined();
    expect(sent()).toEqual([
      '/Token undefined',
      '/api/v2/admin/tasks/account Bearer own-token',
      '/api/v2/admin/tasks/account Bearer own-token',
    ]);
    expect(logged.join()).not.toContain('own-token');
  });

  test('answers NOT_SENT if the keys of the issuer cannot be fetched', async () => {
    const fresh = await openGateway({ ...AUTH, ...OWN });
    issuer.fail({ status: 500, body: '' });
    const { json } = await fresh.graphql(CREATE, await bearer());
    issuer.fail(null);
    await fresh.close();
    expect(json.errors?.[0]?.extensions).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      outcome: 'NOT_SENT',
      retryable: true,
    });
    expect(sent()).toEqual([]);
  });

  test('issues no tokens itself', async () => {
    for (const path of ['Token', 'token']) {
      expect((await fetch(new URL(path, own.url), { method: 'POST' })).status).toBe(404);
    }
  });
});
