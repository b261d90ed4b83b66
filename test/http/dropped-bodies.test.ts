import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { HTTP_BOUNDS } from '../../src/http/bounds.ts';
import { trackConnections } from '../../src/http/connections.ts';
import { createDroppedBodies, type DropBounds } from '../../src/http/dropped-bodies.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { parseAnswers, toRequestText } from '../support/raw-connection.ts';
import { startStoreGateway } from '../support/running-gateway.ts';

const PIECE = Buffer.alloc(1_000_000, 'x');
/** Longer than any test. */
const NEVER_MS = 600_000;

/** Opens a caller that keeps sending after the other side has ended. */
function openCaller({ hostname, port }: URL, bytes: number, path = '/') {
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  // The server resets it if it sends too much.
  socket.on('error', () => undefined);
  socket.write(
    toRequestText(
      [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Content-Length: ${bytes}`],
      'x',
    ),
  );
  const answered = once(socket, 'data').then(([answer]: Buffer[]) => answer?.toString() ?? '');
  const sendOn = async (): Promise<void> => {
    const more = (): void => {
      if (socket.writable) socket.write(PIECE, more);
    };
    more();
    await closed;
  };
  return { socket, answered, sendOn };
}

/** Starts a server that answers every request before it has read its body. */
async function startServer(bounds: Partial<DropBounds>) {
  let cutOffs = 0;
  const accepted: Socket[] = [];
  const server = createServer();
  server.on('connection', (socket) => accepted.push(socket));
  const connections = trackConnections(server, {
    bounds: HTTP_BOUNDS,
    metrics: createMetrics(),
    dropped: createDroppedBodies({
      bounds: { quietMs: NEVER_MS, turnMs: NEVER_MS, waitMs: NEVER_MS, ...bounds },
      onCutOff: () => (cutOffs += 1),
    }),
    handle(_, response) {
      response.end('refused');
      connections.endUnread(response);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => server.closeAllConnections());
  /** Opens a caller that has its answer and has sent one byte of its body. */
  const open = async (bytes = 1e9) => {
    const caller = openCaller(url, bytes);
    expect(await caller.answered).toMatch(/refused$/);
    const ofServer = accepted.at(-1) as Socket;
    const ended = new Promise<void>((resolve) => ofServer.on('close', () => resolve()));
    return { ...caller, bytesRead: () => ofServer.bytesRead, ended };
  };
  return { open, cutOffs: () => cutOffs };
}

describe('a caller whose request was answered before it had arrived', () => {
  test('is read to the end of its request, then its connection is closed', async () => {
    const { open, cutOffs } = await startServer({});
    const caller = await open(1 + PIECE.length);
    caller.socket.write(PIECE);
    await caller.ended;
    expect(caller.bytesRead()).toBeGreaterThan(PIECE.length);
    expect(cutOffs()).toBe(0);
  });

  test('is disconnected when it stops sending', async () => {
    const { open, cutOffs } = await startServer({ quietMs: 0 });
    const caller = await open();
    await caller.ended;
    expect(cutOffs()).toBe(0);
  });

  test('is cut off if it sends without end', async () => {
    const { open, cutOffs } = await startServer({ maxBytes: 2 * PIECE.length });
    const caller = await open();
    await caller.sendOn();
    expect(caller.bytesRead()).toBeGreaterThan(2 * PIECE.length);
    expect(cutOffs()).toBe(1);
  });

  test('is not read while another is, until that one leaves', async () => {
    const { open, cutOffs } = await startServer({});
    const first = await open();
    const second = await open(1 + 10 * PIECE.length);
    const before = second.bytesRead();
    for (let pieces = 0; pieces < 10; pieces += 1) second.socket.write(PIECE);
    // The server could read the second while it reads the first.
    first.socket.write(PIECE);
    await expect.poll(first.bytesRead).toBeGreaterThan(PIECE.length);
    expect(second.bytesRead()).toBe(before);
    first.socket.destroy();
    await second.ended;
    expect(second.bytesRead()).toBeGreaterThan(10 * PIECE.length);
    expect(cutOffs()).toBe(0);
  });

  test('gives way to the next after its turn, and is read again later', async () => {
    const { open, cutOffs } = await startServer({ turnMs: 0 });
    const first = await open(1 + 10 * PIECE.length);
    const second = await open(1 + 10 * PIECE.length);
    for (const { socket, ended } of [second, first]) {
      for (let pieces = 0; pieces < 10; pieces += 1) socket.write(PIECE);
      await ended;
    }
    expect(cutOffs()).toBe(0);
  });

  test('is cut off if it has waited too long for its turn', async () => {
    const { open, cutOffs } = await startServer({ waitMs: 0 });
    await open();
    const caller = await open();
    await caller.ended;
    expect(cutOffs()).toBe(1);
  });

  test('keeps its connection if its body is small', async () => {
    const { open } = await startServer({});
    const { socket } = await open(2);
    socket.write(`x${toRequestText(['GET / HTTP/1.1', 'Host: x'])}`);
    expect(String(await once(socket, 'data'))).toMatch(/refused$/);
  });
});

describe('the gateway', async () => {
  const gateway = await startStoreGateway();
  afterAll(() => gateway.close());

  test.each(['/graphql', '/Token', '/nowhere', '/health', '/metrics'])(
    'ends the connection of a caller that sends a large body to %s',
    async (path) => {
      const { socket, answered, sendOn } = openCaller(gateway.url, 100_000, path);
      expect(parseAnswers(await answered)[0]?.headers.get('connection')).toBe('close');
      await sendOn();
      expect(socket.destroyed).toBe(true);
    },
  );

  test('counts a caller that it cuts off', async () => {
    await openCaller(gateway.url, 1e9, '/graphql').sendOn();
    const text = await (await fetch(new URL('metrics', gateway.url))).text();
    expect(text).toMatch(/^gateway_refusals_total\{limit="dropped_bodies"\} 1$/m);
  });
});
