import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type Connection, createConnectionReuse } from '../../src/upstream/connection-pool.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { openClient, openRawService, SMALL_POST, type TestClient } from '../support/upstream-client.ts';

const ANSWER = httpAnswer(200);
const CALLS = 60;

/** The ways in which a service closes a connection after its answer. */
const CLOSINGS: Readonly<Record<string, (socket: Socket) => void>> = {
  'with its answer': (socket) => socket.end(),
  'a turn of the event loop after its answer': (socket) => void setImmediate(() => socket.end()),
  'some milliseconds after its answer': (socket) => void setTimeout(() => socket.end(), 5),
  'by a reset': (socket) => void setImmediate(() => socket.resetAndDestroy()),
};

describe('a service that closes connections without announcing it', () => {
  test.each(Object.entries(CLOSINGS))(
    'at most one of many calls is lost if the service closes connections %s',
    async (_name, close) => {
      const answered = new Set<Socket>();
      const service = await openRawService((socket) => {
        // A request on a connection that is about to be closed is lost.
        if (answered.has(socket)) return;
        answered.add(socket);
        socket.write(ANSWER);
        close(socket);
      });
      const client = openClient(service.url, { connections: 8, maxInFlight: CALLS, connectRetries: 2 });
      expect(await countLost(client)).toBeLessThanOrEqual(1);
      expect(await countLost(client)).toBeLessThanOrEqual(1);
    },
  );

  test('no call is lost if the service kept a connection once and then closes each with its answer', async () => {
    const service = await openRawService((socket, _request, count) => {
      if (count <= 2) socket.write(ANSWER);
      else socket.end(ANSWER);
    });
    const client = openClient(service.url, { connections: 1, maxInFlight: CALLS });
    expect(await countLost(client)).toBe(0);
    expect(service.posts).toHaveLength(CALLS);
  });

  test('after a lost call the service is asked to close each connection after its answer', async () => {
    const service = await openRawService((socket, _request, count) => {
      if (count === 2) socket.destroy();
      else socket.write(ANSWER);
    });
    const client = openClient(service.url, { connections: 1 });
    await client.post(SMALL_POST);
    await expect(client.post(SMALL_POST)).rejects.toMatchObject({ code: 'UPSTREAM_CONNECTION_LOST' });
    for (let call = 0; call < 3; call += 1) await client.post(SMALL_POST);
    const asked = service.posts.map(({ head }) => /^connection: (.*)$/im.exec(head)?.[1]);
    expect(asked).toEqual(['keep-alive', 'keep-alive', 'close', 'close', 'close']);
    expect(service.connections()).toBe(4);
  });
});

describe('a connection that may carry the answers of other requests', () => {
  test('a discarded connection is not reused, although a call waits for it', async () => {
    const service = await openRawService((socket) => socket.write(ANSWER));
    const client = openClient(service.url, { connections: 1 });
    const discarded = client.post(SMALL_POST).then(({ connection }) => connection?.destroy());
    const waiting = client.post(SMALL_POST);
    await discarded;
    expect((await waiting).status).toBe(200);
    expect(service.connections()).toBe(2);
  });

  // The timeout is shorter than the time after which any idle connection is closed.
  test.each(['\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', 'H', ANSWER])(
    'an idle connection is closed when %j arrives',
    { timeout: 3_000 },
    async (bytes) => {
      const sockets: Socket[] = [];
      const service = await openRawService((socket, { body }) => {
        sockets.push(socket);
        socket.write(httpAnswer(200, body));
      });
      const client = openClient(service.url, { connections: 1 });
      await client.post(SMALL_POST);
      const closed = once(sockets[0] as Socket, 'close');
      sockets[0]?.write(bytes);
      await closed;
      expect((await client.post({ ...SMALL_POST, body: '"own"' })).body.toString()).toBe('"own"');
      expect(service.connections()).toBe(2);
    },
  );
});

describe('the reuse of connections', () => {
  test('reuse is tried with one request before it is allowed for all', () => {
    const reuse = createConnectionReuse(() => 0);
    const first = fakeConnection(1);
    expect(reuse.allows(first)).toBe(true);
    expect(reuse.allows(fakeConnection(1))).toBe(false);
    reuse.noteEnd(first, 'answered');
    expect(reuse.allows(fakeConnection(1))).toBe(true);
    expect(reuse.allows(fakeConnection(1))).toBe(true);
  });

  test.each(['answered', 'lost', 'abandoned'] as const)(
    'reuse is tried again if the trial opened a new connection, and its exchange was %s',
    (end) => {
      const reuse = createConnectionReuse(() => 0);
      const first = fakeConnection(0);
      expect(reuse.allows(first)).toBe(true);
      reuse.noteEnd(first, end);
      expect(reuse.allows(fakeConnection(1))).toBe(true);
      expect(reuse.allows(fakeConnection(1))).toBe(false);
    },
  );

  test('reuse is suspended for a minute after a loss before the first byte of an answer, and then tried again', () => {
    let nowMs = 1_000;
    const reuse = createConnectionReuse(() => nowMs);
    const first = fakeConnection(1);
    reuse.allows(first);
    reuse.noteEnd(first, 'answered');
    reuse.noteEnd(fakeConnection(5), 'lost');
    nowMs += 59_999;
    expect([reuse.isSuspended(), reuse.allows(fakeConnection(1))]).toEqual([true, false]);
    nowMs += 1;
    expect([reuse.isSuspended(), reuse.allows(fakeConnection(1)), reuse.allows(fakeConnection(1))]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test.each([
    ['a connection is lost within its answer', fakeConnection(5, false), 'lost'],
    ['a new connection is lost', fakeConnection(0), 'lost'],
    ['the gateway gives up', fakeConnection(5), 'abandoned'],
  ] as const)('reuse goes on when %s', (_name, ended, end) => {
    const reuse = createConnectionReuse(() => 0);
    const first = fakeConnection(1);
    reuse.allows(first);
    reuse.noteEnd(first, 'answered');
    reuse.noteEnd(ended, end);
    expect([reuse.isSuspended(), reuse.allows(fakeConnection(1))]).toEqual([false, true]);
  });
});

function fakeConnection(answers: number, awaitsFirstByte = true): Connection {
  return { answers, awaitsFirstByte: () => awaitsFirstByte } as unknown as Connection;
}

/** Makes many calls at once and counts those with the outcome UNKNOWN. */
async function countLost(client: TestClient): Promise<number> {
  const ends = await Promise.allSettled(Array.from({ length: CALLS }, () => client.post(SMALL_POST)));
  const lost = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  for (const reason of lost) expect(reason).toContain('connection to the service was lost');
  return lost.length;
}
