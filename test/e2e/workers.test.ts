import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';
import {
  type GatewayProcess,
  killUntilEnd,
  type OnEnd,
  runCli,
  startCli,
  startWatchedWorkers,
} from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { signalWorker, untilServing, workerPids } from './support/worker-log.ts';

vi.setConfig({ testTimeout: 120_000 });

type Env = Readonly<Record<string, string>>;
type Start = (env: Env, onEnd: OnEnd) => GatewayProcess;

const startServe: Start = (env) => startCli(['serve'], env);
/** A heartbeat rule for workers that stay stopped as long as a test takes. */
const startPatiently: Start = (...all) => startWatchedWorkers({ intervalMs: 1_000, maxMissed: 1_000 }, ...all);
/** A heartbeat rule that kills workers after five silent seconds. */
const startImpatiently: Start = (...all) => startWatchedWorkers({ intervalMs: 100, maxMissed: 50 }, ...all);

const caller = createCaller('Bearer of-a-caller');

async function startWorkers(env: Env = {}, start = startServe, onEnd: OnEnd = onTestFinished) {
  const state: { held: Promise<null> | null; onArrival: () => void } = { held: null, onArrival: () => {} };
  const service = await startRestService({
    answer() {
      state.onArrival();
      return state.held;
    },
  });
  onEnd(() => void service.close());
  const gateway = start({ UPSTREAM_URL: service.url.href, RECORD: 'off', WORKERS: '2', ...env }, onEnd);
  const address = await gateway.address();
  await Promise.all([untilServing(gateway, 1), untilServing(gateway, 2)]);
  return { gateway, address, service, state };
}

/** Starts one gateway of two workers for all tests of a suite. */
function workersOfSuite(env: Env, start: Start) {
  const ends: (() => void)[] = [];
  const starting = Promise.withResolvers<Awaited<ReturnType<typeof startWorkers>>>();
  beforeAll(async () => starting.resolve(await startWorkers(env, start, (end) => ends.push(end))));
  afterAll(() => {
    for (const end of ends) end();
  });
  return starting.promise;
}

/** Starts a gateway of two workers with one create in flight, whose answer the service holds back. */
async function workersWithCreate() {
  const { state, ...running } = await startWorkers();
  const held = Promise.withResolvers<null>();
  const arrived = Promise.withResolvers<void>();
  Object.assign(state, { held: held.promise, onArrival: arrived.resolve });
  const verdict = caller.create(running.address, '{}');
  await arrived.promise;
  return { ...running, verdict, letServiceAnswer: () => held.resolve(null) };
}

/** Stops a worker until the returned function is called, at the latest until the test ends. */
function pauseWorker(gateway: GatewayProcess, worker: number): () => void {
  let isPaused = true;
  const resume = (): void => {
    if (isPaused) signalWorker(gateway, worker, 'SIGCONT');
    isPaused = false;
  };
  signalWorker(gateway, worker, 'SIGSTOP');
  onTestFinished(resume);
  return resume;
}

/** Sends ten creates, each over a new connection. */
async function createTen(address: URL): Promise<void> {
  const create = async (): Promise<unknown> => {
    const response = await fetch(new URL('graphql', address), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer of-a-caller', Connection: 'close' },
      body: JSON.stringify({
        query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }',
        variables: { input: SAMPLE_INPUT },
      }),
    });
    return response.json();
  };
  const answers = await Promise.all(Array.from({ length: 10 }, create));
  expect(answers).toEqual(answers.map(() => ({ data: { createAccountTask: { replayed: false } } })));
}

async function metric(address: URL, name: string, label = ''): Promise<number> {
  const response = await fetch(new URL('metrics', address), { headers: { Connection: 'close' } });
  const text = await response.text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*${label}.*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

describe('several workers', () => {
  const running = workersOfSuite({ UPSTREAM_MAX_IN_FLIGHT: '40' }, startPatiently);

  test('workers share an address, and each reports the metrics of all, ended ones included', async () => {
    const { gateway, address, service } = await running;
    // With the other worker stopped, one has all of the work.
    for (const other of [2, 1]) {
      const resume = pauseWorker(gateway, other);
      await createTen(address);
      resume();
    }
    expect(service.tasks).toHaveLength(20);
    await expect.poll(() => metric(address, 'gateway_creates_total')).toBe(20);
    expect(await metric(address, 'gateway_workers')).toBe(2);

    signalWorker(gateway, 1, 'SIGKILL');
    await untilServing(gateway, 3);
    await expect.poll(() => metric(address, 'gateway_workers_ended_total')).toBe(1);
    expect(await metric(address, 'gateway_creates_total')).toBe(20);
    await createTen(address);
    expect(service.tasks).toHaveLength(30);
    await expect.poll(() => metric(address, 'gateway_creates_total')).toBe(30);
    await expect.poll(() => metric(address, 'gateway_workers')).toBe(2);
  });

  test('the bound on creates in flight applies to all workers together', async () => {
    const { gateway, address, service, state } = await running;
    const before = service.requests.length;
    const held = Promise.withResolvers<null>();
    state.held = held.promise;
    onTestFinished(() => {
      state.held = null;
      held.resolve(null);
    });
    pauseWorker(gateway, 2);
    let refused = 0;
    const verdicts = Array.from({ length: 23 }, async () => {
      const verdict = await caller.create(address, '{}');
      if (verdict.kind === 'failed') refused += 1;
      return verdict;
    });
    await expect.poll(() => refused, { timeout: 60_000 }).toBe(3);
    await expect.poll(() => service.requests.length - before, { timeout: 60_000 }).toBe(20);
    held.resolve(null);
    const failures = (await Promise.all(verdicts)).flatMap((verdict) =>
      'failure' in verdict ? [verdict.failure] : [],
    );
    expect(failures).toEqual(['OVERLOADED NOT_SENT', 'OVERLOADED NOT_SENT', 'OVERLOADED NOT_SENT']);
  });
});

test('workers share the port of their metrics too', async () => {
  const { gateway, address } = await startWorkers({ METRICS_PORT: '0' }, startPatiently);
  const [, metricsAddress = ''] = /"metricsAddress":"([^"]*)"/.exec(gateway.stderr()) ?? [];
  await createTen(address);
  const creates = () => metric(new URL(metricsAddress), 'gateway_creates_total');
  await expect.poll(creates).toBe(10);
  for (const worker of [1, 2]) {
    const resume = pauseWorker(gateway, worker);
    await expect.poll(creates).toBe(10);
    resume();
  }
  expect((await fetch(new URL('metrics', address))).status).toBe(404);
});

describe('a worker that sends no heartbeat', () => {
  const running = workersOfSuite({}, startImpatiently);

  // This test comes first: the next one has a worker of the same gateway killed.
  test('a worker without a heartbeat is not killed if the whole group was stopped', async () => {
    const { gateway, address } = await running;
    gateway.killGroup('SIGSTOP');
    // Longer than a single worker may be silent.
    await delay(6_000);
    gateway.killGroup('SIGCONT');
    for (const worker of [1, 2]) {
      // With the other worker stopped, this one answers.
      const resume = pauseWorker(gateway, 3 - worker);
      await createTen(address);
      resume();
    }
    expect(await metric(address, 'gateway_workers_ended_total')).toBe(0);
  });

  test('a worker without a heartbeat is killed, replaced and counted as hung', async () => {
    const { gateway, address } = await running;
    signalWorker(gateway, 1, 'SIGSTOP');
    await gateway.output(/"worker":1,"code":null,"signal":"SIGKILL","msg":"worker was killed because it hung"/);
    await untilServing(gateway, 3);
    await expect
      .poll(() => metric(address, 'gateway_workers_ended_total', 'cause="hung"'), { timeout: 20_000 })
      .toBe(1);
    expect(await metric(address, 'gateway_workers_ended_total')).toBe(1);
  });
});

describe('a failed start of several workers', () => {
  const upstream = { UPSTREAM_URL: 'http://127.0.0.1:1/', RECORD: 'off', WORKERS: '2', LOG_LEVEL: 'error' };

  test('a failed start of several workers prints one line, not one per worker', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const PORT = String((taken.address() as AddressInfo).port);
    expect(await runCli(['serve'], { ...upstream, PORT })).toMatchObject({
      code: 1,
      stderr: `Cannot start: port ${PORT} of 127.0.0.1 is in use; set PORT to another port\n`,
    });
    const DATABASE_URL = 'postgres://gateway:hunter2@127.0.0.1:1/tasks';
    const { code, stderr } = await runCli(['serve'], { WORKERS: '2', DATABASE_URL, LOG_LEVEL: 'error' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot start: The database .* cannot be opened: the server refuses connections\.\n$/);
    expect(stderr).not.toContain('hunter2');
  });

  test('several workers refuse a SQLite file', async () => {
    const { code, stderr } = await runCli(['serve'], { WORKERS: '3', DATABASE_URL: 'sqlite::memory:' });
    expect([code, stderr]).toEqual([
      1,
      'Cannot start: WORKERS: only one process can use a SQLite database; set DATABASE_URL=postgres://…, or unset WORKERS\n',
    ]);
  });

  test('a start is given up when workers end repeatedly before they serve', async () => {
    const gateway = startCli(['serve'], {
      ...upstream,
      WORKERS: '3',
      LOG_LEVEL: 'info',
      NODE_OPTIONS: '--import=./test/e2e/support/dying-worker.ts',
    });
    const { code, stderr } = await gateway.exit;
    expect(code).toBe(1);
    expect(stderr.match(/^Cannot start: .*$/gm)).toEqual([
      'Cannot start: every worker ends before it serves; the last one ended with exit status 7',
    ]);
    expect([...workerPids(gateway).keys()]).toEqual([1, 2, 3, 4, 5]);
  });
});

// Here a gateway has ended when all of its processes have.
describe('the end of several workers', () => {
  test('SIGTERM lets workers finish their requests', async () => {
    const { gateway, verdict, letServiceAnswer } = await workersWithCreate();
    gateway.kill('SIGTERM');
    await gateway.output(/"closing"/);
    letServiceAnswer();
    expect(await verdict).toMatchObject({ kind: 'created' });
    const { code, stderr } = await gateway.exit;
    expect(code).toBe(0);
    expect(stderr.match(/"msg":"closed"/g)).toHaveLength(2);
  });

  test('a signal to all processes of the gateway counts as one', async () => {
    const { gateway, verdict, letServiceAnswer } = await workersWithCreate();
    gateway.killGroup('SIGTERM');
    await gateway.output(/"closing"/);
    letServiceAnswer();
    expect(await verdict).toMatchObject({ kind: 'created' });
    expect(await gateway.exit).toMatchObject({ code: 0 });
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)(
    'a worker that drains by a %s of its own says that it is not ready once all of them are to stop',
    async (signal) => {
      const { gateway, address } = await startWorkers({ DRAIN_MS: '600000' });
      const ready = async (): Promise<number> => {
        const { status } = await fetch(new URL('ready', address), { headers: { Connection: 'close' } });
        return status;
      };
      signalWorker(gateway, 1, signal);
      await gateway.output(/"worker":1,.*"draining"/);
      signalWorker(gateway, 2, 'SIGSTOP');
      expect(await ready()).toBe(200);
      gateway.kill(signal);
      await expect.poll(ready).toBe(503);
    },
  );

  test('a second SIGTERM to several workers after more than a second does not wait', async () => {
    const { gateway, verdict } = await workersWithCreate();
    gateway.kill('SIGTERM');
    await gateway.output(/"closing"/);
    expect(await killUntilEnd(gateway, 'SIGTERM')).toMatchObject({ code: 1, signal: null });
    expect(await verdict).toEqual({ kind: 'unanswered' });
  });

  test('workers whose supervisor is killed finish their requests and end', async () => {
    const { gateway, verdict, letServiceAnswer } = await workersWithCreate();
    gateway.kill('SIGKILL');
    await gateway.output(/"closing"/);
    letServiceAnswer();
    expect(await verdict).toMatchObject({ kind: 'created' });
    expect(await gateway.exit).toMatchObject({ signal: 'SIGKILL' });
  });
});
