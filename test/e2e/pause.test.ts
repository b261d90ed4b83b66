import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, ISSUER, AUDIENCE, signJwt, startIssuer } from '../support/issuer.ts';
import { type RestReply, type RestRequest, startRestService } from '../support/rest-service.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';

const TIMEOUT_MS = 4_000;
const CREATES = 20;
const CREATED = { kind: 'created', replayed: false };

/** A service that holds back its answers until it is told to send all of them at once. */
async function startHeldService(answer: (request: RestRequest) => RestReply | null = () => null) {
  const gate = Promise.withResolvers<void>();
  const service = await startRestService({ answer: (request) => gate.promise.then(() => answer(request)) });
  onTestFinished(() => service.close());
  return { ...service, release: gate.resolve };
}

test('a pause of the process longer than the timeout loses no answer that arrived meanwhile', async () => {
  const service = await startHeldService();
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: service.url.href,
    UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS),
    DATABASE_URL: temporaryDatabase(),
  });
  const address = await gateway.address();
  const caller = createCaller('Bearer of-the-service');
  const creates = Array.from({ length: CREATES }, (_, index) => caller.create(address, '{}', `key-${index}`));
  await expect.poll(() => service.requests.length).toBe(CREATES);
  gateway.kill('SIGSTOP');
  service.release();
  await expect.poll(() => service.tasks.length).toBe(CREATES);
  // This delay is the pause itself, not a wait for an event.
  await delay(TIMEOUT_MS);
  gateway.kill('SIGCONT');
  for (const verdict of await Promise.all(creates)) expect(verdict).toMatchObject(CREATED);
});

test("a pause during the gateway's sign-in at the service does not fail the sign-in", async () => {
  const service = await startHeldService(({ path }) =>
    path.endsWith('/Token') ? { status: 200, body: '{"access_token":"t","expires_in":3600}' } : null,
  );
  const key = await createKey('key-1');
  const issuer = await startIssuer(key);
  onTestFinished(() => issuer.close());
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: service.url.href,
    UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS),
    UPSTREAM_CLIENT_ID: 'gateway',
    UPSTREAM_CLIENT_SECRET: 'secret',
    AUTH_JWKS_URL: issuer.jwksUrl.href,
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
    RECORD: 'off',
  });
  const address = await gateway.address();
  const create = createCaller(`Bearer ${await signJwt(key)}`).create(address, '{}');
  await expect.poll(() => service.requests.length).toBe(1);
  gateway.kill('SIGSTOP');
  service.release();
  await delay(TIMEOUT_MS);
  gateway.kill('SIGCONT');
  expect(await create).toMatchObject(CREATED);
});
