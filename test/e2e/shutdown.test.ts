import { once } from 'node:events';
import { connect } from 'node:net';
import { Agent, request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';
import {
  type GatewayProcess,
  killUntilEnd,
  nodeWarnings,
  startCli,
  startNpm,
  temporaryDatabase,
} from './support/gateway-process.ts';

const CREATE = {
  query:
    'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { startDate } } }',
  variables: { input: SAMPLE_INPUT },
};

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** Sends a create over a keep-alive connection. */
function create(address: URL): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer of-a-caller' };
    request(new URL('graphql', address), { method: 'POST', agent, headers }, (response) => {
      const { statusCode: status = 0, headers: received } = response;
      response.toArray().then((chunks) => resolve({ status, headers: received, body: chunks.join('') }), reject);
    })
      .on('error', reject)
      .end(JSON.stringify(CREATE));
  });
}

async function refusesConnections({ hostname, port }: URL): Promise<void> {
  for (;;) {
    const socket = connect(Number(port), hostname);
    const [outcome] = await Promise.race([
      once(socket, 'connect').then(() => ['accepted'] as const),
      once(socket, 'close').then(() => ['refused'] as const),
    ]).catch((error: NodeJS.ErrnoException) => [error.code]);
    socket.destroy();
    if (outcome === 'ECONNREFUSED') return;
  }
}

const startServe = (env: Readonly<Record<string, string>>): GatewayProcess => startCli(['serve'], env);
const startNpmServe = (env: Readonly<Record<string, string>>): GatewayProcess => startNpm(['run', 'serve'], env);

/** Starts a gateway with one create in flight, whose answer the service holds back. */
async function gatewayWithCreate(env: Readonly<Record<string, string>> = {}, start = startServe) {
  const held = Promise.withResolvers<null>();
  const arrived = Promise.withResolvers<null>();
  const service = await startRestService({
    answer() {
      arrived.resolve(null);
      return held.promise;
    },
  });
  onTestFinished(() => service.close());
  const gateway = start({ UPSTREAM_URL: service.url.href, DATABASE_URL: temporaryDatabase(), ...env });
  const address = await gateway.address();
  const answer = create(address);
  await Promise.race([arrived.promise, answer]);
  return { gateway, address, service, answer, letServiceAnswer: () => held.resolve(null) };
}

/** Longer than any test, so a test that waits for its end fails. */
const FOR_EVER_MS = '600000';

async function startStore(
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly gateway: GatewayProcess; readonly address: URL }> {
  const gateway = startCli(['serve'], { DATABASE_URL: temporaryDatabase(), ...env });
  return { gateway, address: await gateway.address() };
}

describe('SIGTERM', () => {
  test('SIGTERM refuses new connections, finishes the create in flight and exits with 0', async () => {
    const { gateway, address, service, answer, letServiceAnswer } = await gatewayWithCreate();
    gateway.kill('SIGTERM');
    await refusesConnections(address);
    letServiceAnswer();

    const { status, headers, body } = await answer;
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      data: { createAccountTask: { accountTask: { startDate: SAMPLE_INPUT.startDate } } },
    });
    expect(headers['connection']).toBe('close');
    const { code, stderr } = await gateway.exit;
    expect(code).toBe(0);
    expect(nodeWarnings(stderr)).toEqual([]);
    expect(service.requests).toHaveLength(1);
  });

  test('a second SIGTERM after more than a second does not wait', async () => {
    const { gateway, answer } = await gatewayWithCreate();
    const ending = answer.then(
      () => 'answered',
      (error: Error) => error.message,
    );
    gateway.kill('SIGTERM');
    await gateway.output(/"closing"/);
    expect(await killUntilEnd(gateway, 'SIGTERM')).toMatchObject({ code: 1, signal: null });
    expect(await ending).toBe('socket hang up');
  });

  test('SIGTERM does not wait for connections without a request', async () => {
    const { gateway, address } = await startStore();
    const socket = connect(Number(address.port), address.hostname);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    // An answer on a later connection shows that the server has accepted this one.
    await fetch(new URL('health', address));
    gateway.kill('SIGTERM');
    expect(await gateway.exit).toMatchObject({ code: 0 });
  });

  test('SIGTERM does not wait for idle keep-alive connections', async () => {
    const { gateway, address } = await startStore();
    const { status } = await create(address);
    expect(status).toBe(200);
    gateway.kill('SIGTERM');
    expect(await gateway.exit).toMatchObject({ code: 0 });
  });

  test('SIGTERM starts a drain in which the gateway is not ready, still serves, and closes connections', async () => {
    const { gateway, address } = await startStore({ DRAIN_MS: FOR_EVER_MS });
    gateway.kill('SIGTERM');
    await gateway.output(/"draining"/);
    const ready = await fetch(new URL('ready', address));
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', checks: { draining: 'This gateway is draining and about to stop.' } },
    ]);
    expect((await fetch(new URL('health', address))).status).toBe(200);
    const { status, headers } = await create(address);
    expect([status, headers['connection']]).toEqual([200, 'close']);
    expect(await killUntilEnd(gateway, 'SIGTERM')).toMatchObject({ code: 1, signal: null });
  });

  test('SIGTERM cuts off requests that do not end in time and exits with an error', async () => {
    const { gateway, answer, letServiceAnswer } = await gatewayWithCreate({ CLOSE_TIMEOUT_MS: '1' });
    gateway.kill('SIGTERM');
    await expect(answer).rejects.toThrow('socket hang up');
    letServiceAnswer();
    const { code, stderr } = await gateway.exit;
    expect(code).toBe(1);
    expect(stderr).toContain(
      '\nNot everything was finished: 1 requests did not finish within CLOSE_TIMEOUT_MS and were cut off.\n',
    );
  });
});

describe('a signal that arrives twice', () => {
  // npm forwards a signal that the terminal or service manager sends to the whole group. A shell in between may end by it.
  test.each(['SIGINT', 'SIGTERM'] as const)('%s to npm and to the gateway counts as one signal', async (signal) => {
    const { gateway, answer, letServiceAnswer } = await gatewayWithCreate({}, startNpmServe);
    gateway.killGroup(signal);
    await gateway.output(/"closing"/);
    gateway.killGroup(signal);
    letServiceAnswer();
    expect(await answer).toMatchObject({ status: 200 });
    const { code, signal: endOfNpm, stderr } = await gateway.exit;
    expect([0, signal]).toContain(code ?? endOfNpm);
    expect(stderr).toContain('"closed"');
  });

  test('SIGTERM to npm alone closes the gateway, which finishes the create in flight', async () => {
    const { gateway, address, answer, letServiceAnswer } = await gatewayWithCreate({}, startNpmServe);
    gateway.kill('SIGTERM');
    await refusesConnections(address);
    letServiceAnswer();
    expect(await answer).toMatchObject({ status: 200 });
    expect((await gateway.exit).stderr).toContain('"closed"');
  });

  test('two signals that arrive while the gateway is stopped count as one', async () => {
    const { gateway, address, answer, letServiceAnswer } = await gatewayWithCreate();
    for (const signal of ['SIGSTOP', 'SIGHUP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const) gateway.kill(signal);
    await refusesConnections(address);
    letServiceAnswer();
    expect(await answer).toMatchObject({ status: 200 });
    expect(await gateway.exit).toMatchObject({ code: 0 });
  });
});

test('SIGHUP drains, finishes the create in flight and exits with 0', async () => {
  const { gateway, answer, letServiceAnswer } = await gatewayWithCreate({ DRAIN_MS: '1' });
  gateway.kill('SIGHUP');
  await gateway.output(/"draining"/);
  letServiceAnswer();
  expect(await answer).toMatchObject({ status: 200 });
  expect(await gateway.exit).toMatchObject({ code: 0, signal: null });
});

test('SIGUSR2 does not end a gateway without workers', async () => {
  const { gateway, answer, letServiceAnswer } = await gatewayWithCreate();
  gateway.kill('SIGUSR2');
  letServiceAnswer();
  expect(await answer).toMatchObject({ status: 200 });
  gateway.kill('SIGTERM');
  expect(await gateway.exit).toMatchObject({ code: 0, signal: null });
});

test('SIGINT closes without draining', async () => {
  const { gateway } = await startStore({ DRAIN_MS: FOR_EVER_MS });
  gateway.kill('SIGINT');
  const { code, stderr } = await gateway.exit;
  expect(code).toBe(0);
  expect(stderr).not.toContain('draining');
  expect(stderr).not.toContain('Ctrl-C');
});

test('SIGINT says after a second that requests are being finished', async () => {
  const { gateway, answer, letServiceAnswer } = await gatewayWithCreate();
  gateway.kill('SIGINT');
  await gateway.output(/^Requests are being finished\. Press Ctrl-C again to cut them off\.$/m);
  letServiceAnswer();
  expect(await answer).toMatchObject({ status: 200 });
  expect(await gateway.exit).toMatchObject({ code: 0 });
});
