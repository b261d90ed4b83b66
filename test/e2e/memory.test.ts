import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readExposition } from '../support/exposition.ts';
import { startRestService } from '../support/rest-service.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';

const MB = 1_048_576;
/** The limit that the operations page gives: a process under load plus twice the budget for bodies. */
const BUDGET_BYTES = 64 * MB;
const MAX_RESIDENT_BYTES = 200 * MB + 2 * BUDGET_BYTES;
const CALLERS = 150;

const caller = createCaller('Bearer of-the-service');

async function startGateway(serviceUrl: URL): Promise<URL> {
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: serviceUrl.href,
    UPSTREAM_TIMEOUT_MS: '60000',
    MAX_PENDING_BODY_BYTES: String(BUDGET_BYTES),
    DATABASE_URL: temporaryDatabase(),
  });
  return gateway.address();
}

async function residentBytes(address: URL): Promise<number> {
  const families = readExposition(await (await fetch(new URL('metrics', address))).text());
  return families.find(({ name }) => name === 'process_resident_memory_bytes')?.samples[0]?.value ?? Infinity;
}

test('callers that stop one byte short of 1 MB use no more than the budget, and others are served', async () => {
  const service = await startRestService();
  onTestFinished(() => service.close());
  const address = await startGateway(service.url);
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Authorization: Bearer x'];
  const unfinished = Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${MB}\r\n\r\n`),
    Buffer.alloc(MB - 1, ' '),
  ]);
  let refused = 0;
  for (let callers = 0; callers < CALLERS; callers += 1) {
    const socket = connect(Number(address.port), address.hostname);
    onTestFinished(() => void socket.destroy());
    socket
      .on('error', () => undefined)
      .on('data', (answer: Buffer) => {
        if (answer.toString().startsWith('HTTP/1.1 503 ')) refused += 1;
      });
    await new Promise((resolve) => void socket.on('close', resolve).write(unfinished, resolve));
  }
  await expect.poll(() => refused, { timeout: 20_000 }).toBeGreaterThan(0);
  expect(await residentBytes(address)).toBeLessThan(MAX_RESIDENT_BYTES);
  expect(await caller.create(address, '{}')).toMatchObject({ kind: 'created' });
});

test('creates of 1 MB that wait for a slow service stay within the budget, and the others are not sent', async () => {
  const gate = Promise.withResolvers<null>();
  const service = await startRestService({ answer: ({ body }) => (body.length > 10_000 ? gate.promise : null) });
  onTestFinished(() => service.close());
  const address = await startGateway(service.url);
  const parameters = JSON.stringify('x'.repeat(MB - 1_000));
  const verdicts: string[] = [];
  const creates = Array.from({ length: CALLERS }, async () => {
    const verdict = await caller.create(address, parameters);
    verdicts.push('failure' in verdict ? verdict.failure : verdict.kind);
  });
  await expect.poll(() => verdicts.length + service.requests.length, { timeout: 20_000 }).toBe(CALLERS);
  expect(await residentBytes(address)).toBeLessThan(MAX_RESIDENT_BYTES);
  expect(await caller.create(address, '{}')).toMatchObject({ kind: 'created' });
  gate.resolve(null);
  await Promise.all(creates);
  // Their answers are in memory besides.
  expect(await residentBytes(address)).toBeLessThan(MAX_RESIDENT_BYTES);
  expect(new Set(verdicts)).toEqual(new Set(['OVERLOADED NOT_SENT', 'created']));
  expect(verdicts.filter((verdict) => verdict === 'created')).toHaveLength(service.requests.length - 1);
});
