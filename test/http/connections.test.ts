import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { HTTP_BOUNDS } from '../../src/http/bounds.ts';
import { trackConnections } from '../../src/http/connections.ts';
import { createDroppedBodies } from '../../src/http/dropped-bodies.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startRestService } from '../support/rest-service.ts';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
/** Larger than the buffers of a connection. */
const LARGE = Buffer.alloc(64_000_000, 'x');

/** Opens a server with tracked connections, and a paused connection to it. */
async function openServer(answer: (response: ServerResponse) => void) {
  const server = createServer();
  const connections = trackConnections(server, {
    bounds: HTTP_BOUNDS,
    dropped: createDroppedBodies({ onCutOff: () => undefined }),
    metrics: createMetrics(),
    handle(request, response) {
      request.resume();
      answer(response);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.closeAllConnections());
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  caller.on('error', () => undefined);
  return { server, connections, caller };
}

function readToEnd(caller: Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0;
    caller.on('data', (chunk: Buffer) => (bytes += chunk.length));
    caller.on('close', () => resolve(bytes));
  });
}

/** Opens a server and a caller that has begun to read a large answer. */
async function openSlowCaller() {
  const opened = await openServer((response) => response.writeHead(200, { 'Content-Length': LARGE.length }).end(LARGE));
  opened.caller.write(GET);
  await once(opened.caller, 'readable');
  return opened;
}

test('a caller that reads its answer slowly gets all of it even if the server closes meanwhile', async () => {
  const { server, connections, caller } = await openSlowCaller();
  server.close();
  connections.endUnused();
  expect(await readToEnd(caller)).toBeGreaterThan(LARGE.length);
});

test('a caller that does not read its answer keeps its connection until endAll is called', async () => {
  const { server, connections, caller } = await openSlowCaller();
  const closed = new Promise((resolve) => server.close(resolve));
  connections.endUnused();
  const isOpen = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 1)));
  expect(await isOpen()).toBe(true);
  expect(connections.endAll()).toBe(0);
  expect(await closed).toBeUndefined();
  caller.destroy();
});

test('an idle connection is closed, and one that waits for an answer gets it first', async () => {
  const answers: ServerResponse[] = [];
  const { server, connections, caller } = await openServer((response) => {
    answers.push(response);
    if (answers.length === 1) response.end('one');
  });
  caller.write(GET);
  await once(caller, 'readable');
  const idleClosed = once(caller, 'close');
  const waiting = connect((server.address() as AddressInfo).port, '127.0.0.1');
  waiting.write(GET);
  await expect.poll(() => answers.length).toBe(2);
  const closed = new Promise((resolve) => server.close(resolve));
  connections.endUnused();
  caller.resume();
  await idleClosed;
  const received = readToEnd(waiting);
  answers[1]?.end('two');
  expect(await received).toBeGreaterThan('two'.length);
  await closed;
});

test('a new connection can still send its request, and ends with the answer', async () => {
  const { server, connections, caller } = await openServer((response) => response.end('one'));
  await once(server, 'connection');
  caller.resume();
  const closed = new Promise((resolve) => server.close(resolve));
  connections.endUnused();
  caller.write(GET);
  expect(await readToEnd(caller)).toBeGreaterThan('one'.length);
  await closed;
});

test('a connection that never sends a request is closed after a moment', async () => {
  const { server, connections, caller } = await openServer((response) => response.end());
  await once(server, 'connection');
  caller.resume();
  const closed = new Promise((resolve) => server.close(resolve));
  connections.endUnused();
  expect(await readToEnd(caller)).toBe(0);
  await closed;
});

test('an old connection that has sent no request is closed at once', async () => {
  const { server, connections, caller } = await openServer((response) => response.end());
  await once(server, 'connection');
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const laterMs = performance.now() + 1_546.93;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => laterMs);
  onTestFinished(() => {
    clock.mockRestore();
    process.off('warning', note);
  });
  caller.resume();
  connections.endUnused();
  expect(await readToEnd(caller)).toBe(0);
  // Node warns about a timer whose time is negative.
  expect(warnings).toEqual([]);
});

test('a gateway that closes answers callers whose connections it has not accepted yet', async () => {
  const gateway = await startGateway(openBackend, { env: { DATABASE_URL: 'sqlite::memory:' } });
  const callers = Array.from({ length: 20 }, () => connect(Number(gateway.url.port), '127.0.0.1'));
  await Promise.all(callers.map((caller) => once(caller, 'connect')));
  const answers = callers.map((caller) => {
    caller.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    return caller.setEncoding('utf8').toArray();
  });
  // The event loop has had no turn since they connected.
  await gateway.close();
  for (const answer of await Promise.all(answers)) expect(answer.join('')).toMatch(/^HTTP\/1\.1 200 /);
});

test('an idle connection is kept for 75 seconds, and ends at once when the gateway closes', async () => {
  const gateway = await startGateway(openBackend, { env: { DATABASE_URL: 'sqlite::memory:' } });
  const { received, closed } = openRaw(gateway.url, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await received(/\}$/)).toMatch(/\r\nKeep-Alive: timeout=75\r\n/);
  await gateway.close();
  await closed;
});

test('an idle connection is closed after KEEP_ALIVE_MS', async () => {
  const env = { DATABASE_URL: 'sqlite::memory:', KEEP_ALIVE_MS: '0' };
  const gateway = await startGateway(openBackend, { env });
  onTestFinished(() => gateway.close());
  expect(await openRaw(gateway.url, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n').closed).toMatch(/^HTTP\/1\.1 200 /);
});

test('a caller that has ended its side of the connection gets the answer to a slow create', async () => {
  const held = Promise.withResolvers<null>();
  const arrived = Promise.withResolvers<void>();
  const service = await startRestService({
    answer() {
      arrived.resolve();
      return held.promise;
    },
  });
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, { env: { UPSTREAM_URL: service.url.href, RECORD: 'off' } });
  onTestFinished(() => gateway.close());
  const query = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { result } }';
  const body = JSON.stringify({ query, variables: { input: SAMPLE_INPUT } });
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Authorization: Bearer x', 'Content-Type: application/json'];
  const caller = connect(Number(gateway.url.port), '127.0.0.1');
  const received = caller.setEncoding('utf8').toArray();
  caller.end(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  await arrived.promise;
  // Once a later connection has been answered, the gateway has seen the end of the earlier one.
  await fetch(new URL('health', gateway.url));
  held.resolve(null);
  expect((await received).join('')).toMatch(
    /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n{"data":{"createAccountTask":{"result":"Created"}}}$/,
  );
  expect(service.requests).toHaveLength(1);
});
