import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { httpAnswer, startRawService } from '../support/raw-service.ts';
import { startRestService } from '../support/rest-service.ts';
import { type GatewayProcess, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';

const IN_FLIGHT = 20;
const LOAD = 10 * IN_FLIGHT;
const ROUNDS = 8;
/** The first rounds fill caches; memory that grows after them is a leak. */
const WARM_UP_ROUNDS = 2;
/** Far below the 12 MB of Parameters that the later rounds send. */
const MAX_GROWTH_BYTES = 5_000_000;
const PARAMETERS = JSON.stringify('x'.repeat(10_000));
const POLL_MS = 50;
const FAILURES_TO_OPEN = 10;

/** On SIGUSR2 it collects garbage (buffers in the second pass) and prints the memory still in use, numbered from 1. */
const MEASURING = `
  let count = 0;
  process.on('SIGUSR2', () => {
    gc();
    setImmediate(() => {
      gc();
      const { heapUsed, external } = process.memoryUsage();
      process.stderr.write('in use ' + ++count + ': ' + (heapUsed + external) + ' bytes\\n');
    });
  });`;
const MEASURED = { NODE_OPTIONS: `--expose-gc --import=data:text/javascript,${encodeURIComponent(MEASURING)}` };

const caller = createCaller('Bearer of-the-service');

async function bytesInUse(gateway: GatewayProcess, count: number): Promise<number> {
  gateway.kill('SIGUSR2');
  const line = await gateway.output(new RegExp(`in use ${count}: \\d+ bytes`));
  return Number(/(\d+) bytes/.exec(line)?.[1]);
}

async function textAt(address: URL, path: string): Promise<string> {
  return (await fetch(new URL(path, address))).text();
}

test('under ten times the load the excess is refused at once, the rest arrives, and memory stays flat', async () => {
  let gate = Promise.withResolvers<void>();
  const service = await startRestService({ answer: () => gate.promise.then(() => null) });
  onTestFinished(() => service.close());
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: service.url.href,
    UPSTREAM_MAX_IN_FLIGHT: String(IN_FLIGHT),
    UPSTREAM_TIMEOUT_MS: '60000',
    DATABASE_URL: temporaryDatabase(),
    LOG_LEVEL: 'info',
    ...MEASURED,
  });
  const address = await gateway.address();
  let inUseBefore = 0;
  let refusedKey = '';
  for (let round = 1; round <= ROUNDS; round += 1) {
    gate = Promise.withResolvers();
    const enough = Promise.withResolvers<void>();
    let answered = 0;
    const calls = Array.from({ length: LOAD }, async (_, index) => {
      const key = `key-${round}-${index}`;
      const verdict = await caller.create(address, PARAMETERS, key);
      if (verdict.kind !== 'created') refusedKey = key;
      answered += 1;
      if (answered === LOAD - IN_FLIGHT) enough.resolve();
      return verdict;
    });
    await enough.promise; // while the service has not answered any
    gate.resolve();
    const verdicts = await Promise.all(calls);
    const refusals = verdicts.flatMap((verdict) => (verdict.kind === 'failed' ? [verdict.failure] : []));
    expect(refusals).toHaveLength(LOAD - IN_FLIGHT);
    expect([...new Set(refusals)]).toEqual(['OVERLOADED NOT_SENT']);
    expect(service.requests).toHaveLength(round * IN_FLIGHT);
    if (round === WARM_UP_ROUNDS) inUseBefore = await bytesInUse(gateway, 1);
  }
  const growth = (await bytesInUse(gateway, 2)) - inUseBefore;
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  expect(await caller.create(address, PARAMETERS, refusedKey)).toMatchObject({ kind: 'created', replayed: false });
  const listed = (await caller.list(address)).map(({ id }) => id);
  expect(new Set(listed)).toEqual(new Set(service.tasks.map(({ ID }) => ID)));
  expect(listed).toHaveLength(service.tasks.length);
  console.log(
    `overload: ${ROUNDS * LOAD} creates, ${service.tasks.length - 1} accepted and arrived, all others refused; ` +
      `memory grew by ${Math.round(growth / 1024)} KB`,
  );
});

test('an unreachable service opens the circuit breaker, and one trial create closes it when the service is back', async () => {
  const held: (() => void)[] = [];
  const envelope = {
    Error: null,
    ResponseData: { Identification: null, Result: null, Detail: { ...SAMPLE_DETAIL, TaskID: null } },
  };
  const answer = httpAnswer(200, JSON.stringify(envelope), ['Content-Type: application/json']);
  const start = (port?: number) =>
    startRawService((socket) => {
      held.push(() => socket.write(answer));
    }, port);
  const gone = await start();
  await gone.close();
  const gateway = startCli(['serve'], { UPSTREAM_URL: gone.url.href, RECORD: 'off' });
  const address = await gateway.address();
  const create = () => caller.create(address, '{}');
  await expect.poll(() => textAt(address, 'metrics'), { timeout: 20_000 }).toMatch(/^gateway_circuit_state 0$/m);

  for (const verdict of await Promise.all(Array.from({ length: FAILURES_TO_OPEN }, create))) {
    expect(verdict).toMatchObject({ failure: 'UPSTREAM_UNREACHABLE NOT_SENT' });
  }
  const problem = 'The service has not been answering, so nothing is sent to it for the moment.';
  const refused = { kind: 'failed', failure: 'OVERLOADED NOT_SENT', message: problem };
  // Trial creates fail now and then, and each failure lengthens the time until the next.
  const createAndLook = async () => [await create(), await (await fetch(new URL('ready', address))).json()];
  const checks = {
    upstream: 'The service cannot be reached: it refuses connections.',
    circuit: problem,
    draining: 'no',
  };
  const notReady = { status: 'not ready', checks };
  await expect.poll(createAndLook, { timeout: 20_000, interval: POLL_MS }).toEqual([refused, notReady]);
  await expect.poll(() => textAt(address, 'metrics'), { timeout: 20_000 }).toMatch(/^gateway_circuit_state 2$/m);

  const service = await start(gone.port);
  onTestFinished(() => service.close());
  // No creates arrive meanwhile, as behind a balancer that skips gateways that are not ready.
  const readyStatus = async () => (await fetch(new URL('ready', address))).status;
  await expect.poll(readyStatus, { timeout: 20_000, interval: POLL_MS }).toBe(200);
  await expect.poll(() => textAt(address, 'metrics'), { timeout: 20_000 }).toMatch(/^gateway_circuit_state 2$/m);
  const meanwhile = [];
  while (service.posts.length === 0) {
    meanwhile.push(create());
    await delay(POLL_MS);
  }
  await expect.poll(() => textAt(address, 'metrics'), { timeout: 20_000 }).toMatch(/^gateway_circuit_state 1$/m);
  expect(await create()).toEqual(refused);
  expect(service.posts).toHaveLength(1);
  held[0]?.();
  const verdicts = await Promise.all(meanwhile);
  expect(verdicts.filter(({ kind }) => kind === 'created')).toHaveLength(1);
  expect(verdicts.filter((verdict) => verdict.kind === 'failed' && verdict.message !== problem)).toEqual([]);
  await expect.poll(() => textAt(address, 'metrics'), { timeout: 20_000 }).toMatch(/^gateway_circuit_state 0$/m);
  await expect.poll(readyStatus, { timeout: 20_000 }).toBe(200);
});
