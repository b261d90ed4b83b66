import { onTestFinished, test, vi, expect } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { startRestService } from '../support/rest-service.ts';

const HOUR_MS = 3_600_000;
const CREATE = {
  query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }',
  variables: { input: SAMPLE_INPUT },
};
const FAILURES_TO_OPEN = 10;
/** Longer than the circuit and the pause after a failed token request, and far below an hour. */
const SOON = { timeout: 60_000, interval: 50 };

function setBackClock(): void {
  vi.setSystemTime(Date.now() - HOUR_MS);
}

function useWallClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
}

/** Opens a gateway and returns a create, which resolves with the code of its failure, or "created". */
async function openGateway(url: URL, env: Readonly<Record<string, string>> = {}, authorization = 'Bearer x') {
  const gateway = await startGateway(openBackend, {
    mode: 'serve',
    authorization,
    env: { UPSTREAM_URL: url.href, RECORD: 'off', DRAIN_MS: '0', ...env },
  });
  onTestFinished(() => gateway.close());
  return async (): Promise<unknown> => {
    const { json } = await gateway.graphql(CREATE);
    return json.errors ? json.errors[0]?.extensions['code'] : 'created';
  };
}

test('an open circuit closes within seconds even if the clock is set back an hour', async () => {
  useWallClock();
  const stopped = await startRestService();
  await stopped.close();
  const create = await openGateway(stopped.url);
  for (let failure = 0; failure < FAILURES_TO_OPEN; failure += 1) await create();
  await expect.poll(create, SOON).toBe('OVERLOADED');
  setBackClock();
  const service = await startRestService({ port: Number(stopped.url.port) });
  onTestFinished(() => service.close());
  await expect.poll(create, SOON).toBe('created');
});

test('a failed token request is repeated within seconds even if the clock is set back an hour', async () => {
  useWallClock();
  let status = 503;
  const service = await startRestService({
    answer: ({ path }) => (path.endsWith('/Token') ? { status, body: '{"access_token":"t","expires_in":3600}' } : null),
  });
  onTestFinished(() => service.close());
  const key = await createKey('key-1');
  const issuer = await startIssuer(key);
  onTestFinished(() => issuer.close());
  const env = {
    UPSTREAM_CLIENT_ID: 'gateway',
    UPSTREAM_CLIENT_SECRET: 'secret',
    AUTH_JWKS_URL: issuer.jwksUrl.href,
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
  };
  const create = await openGateway(service.url, env, `Bearer ${await signJwt(key)}`);
  expect(await create()).toBe('UPSTREAM_UNREACHABLE');
  status = 200;
  setBackClock();
  await expect.poll(create, SOON).toBe('created');
});

test('failed attempts at /Token expire after five minutes even if the clock is set back an hour', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
  const gateway = await startStoreGateway();
  onTestFinished(() => gateway.close());
  const ask = async (): Promise<number> => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: gateway.clientId,
      client_secret: 'wrong',
    });
    return (await fetch(new URL('Token', gateway.url), { method: 'POST', body })).status;
  };
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 11; attempt += 1) statuses.push(await ask());
  expect(statuses.at(-1)).toBe(429);
  setBackClock();
  vi.advanceTimersByTime(300_000);
  expect(await ask()).toBe(statuses[0]);
});
