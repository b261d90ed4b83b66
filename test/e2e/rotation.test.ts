import { expect, onTestFinished, test } from 'vitest';
import { examine } from '../../src/commands/doctor/doctor.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { freePort } from '../support/free-port.ts';
import { emptyDatabase } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { startProxy } from './support/nginx.ts';
import { startSteadyLoad } from './support/steady-load.ts';

const CREATES_BETWEEN = 20;
/** Longer than nginx keeps an idle connection, even on a busy machine. */
const DRAIN_MS = '7000';

/** A service that issues tokens for several secrets. Revoking a secret revokes its tokens. */
async function startGuardedService(...secrets: readonly string[]) {
  let accepted = secrets;
  const json = { 'Content-Type': 'application/json' };
  const service = await startRestService({
    answer({ path, headers, body }) {
      if (path === '/Token') {
        const secret = new URLSearchParams(body.toString()).get('client_secret') ?? '';
        if (!accepted.includes(secret)) return { status: 400, headers: json, body: '{"error":"invalid_client"}' };
        const token = { access_token: `given-for-${secret}`, token_type: 'bearer', expires_in: 28_800 };
        return { status: 200, headers: json, body: JSON.stringify(token) };
      }
      const isGood = accepted.some((secret) => headers.authorization === `Bearer given-for-${secret}`);
      return isGood ? null : { status: 401, headers: json, body: '{"Message":"Authorization has been denied."}' };
    },
  });
  onTestFinished(() => service.close());
  return {
    ...service,
    accept(...others: readonly string[]) {
      accepted = others;
    },
  };
}

test("no create fails or happens twice while the gateways' secret at the service is replaced one gateway at a time", async () => {
  const key = await createKey('one');
  const issuer = await startIssuer(key);
  onTestFinished(() => issuer.close());
  const service = await startGuardedService('old');
  const withSecret = (secret: string): Readonly<Record<string, string>> => ({
    DATABASE_URL: databaseUrl,
    DRAIN_MS,
    UPSTREAM_URL: service.url.href,
    UPSTREAM_CLIENT_ID: 'gateway',
    UPSTREAM_CLIENT_SECRET: secret,
    AUTH_JWKS_URL: issuer.jwksUrl.href,
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
  });
  const databaseUrl = await emptyDatabase('PostgreSQL');
  const start = async (port: number, secret: string) => {
    const gateway = startCli(['serve'], { ...withSecret(secret), PORT: String(port) });
    await gateway.address();
    return gateway;
  };
  const ports = [await freePort(), await freePort()];
  const gateways = [];
  for (const port of ports) gateways.push({ port, process: await start(port, 'old') });
  const load = startSteadyLoad(createCaller(`Bearer ${await signJwt(key)}`), await startProxy(ports));
  await load.untilMore(CREATES_BETWEEN);

  service.accept('old', 'new');
  for (const { port, process } of gateways) {
    process.kill('SIGTERM');
    expect(await process.exit).toMatchObject({ code: 0, signal: null });
    await start(port, 'new');
    await load.untilMore(CREATES_BETWEEN);
  }
  service.accept('new');
  await load.untilMore(CREATES_BETWEEN);

  const { failures, lost, doubled, sent } = await load.stop();
  expect({ failures, lost, doubled }).toEqual({ failures: [], lost: [], doubled: [] });
  expect(service.tasks).toHaveLength(sent);
  const tokenFinding = async (secret: string) => {
    const findings = await examine(withSecret(secret));
    return findings.find(({ subject }) => subject === 'token');
  };
  expect(await tokenFinding('new')).toMatchObject({ state: 'ok' });
  expect(await tokenFinding('old')).toMatchObject({
    state: 'broken',
    remedy: 'Correct UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET.',
  });
}, 120_000);
