import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

const OVERLOADED = { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true } as const;
const TIMEOUT = { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN', retryable: false } as const;

describe('the limit of calls in flight', () => {
  test('a call beyond the limit is refused at once, and accepted again when another one has ended', async () => {
    const held: Socket[] = [];
    const service = await openRawService((socket) => held.push(socket));
    const client = openClient(service.url, { maxInFlight: 2 });
    const first = client.post(SMALL_POST);
    const second = client.post(SMALL_POST);
    await expectFailure(client.post(SMALL_POST), OVERLOADED);
    await expect.poll(() => held.length).toBe(2);
    for (const socket of held) socket.write(httpAnswer(200));
    await Promise.all([first, second]);
    const third = client.post(SMALL_POST);
    await expect.poll(() => held.length).toBe(3);
    held[2]?.write(httpAnswer(200));
    expect((await third).status).toBe(200);
    expect(service.posts).toHaveLength(3);
  });

  test('calls use no more connections than allowed', async () => {
    const held: Socket[] = [];
    let most = 0;
    const service = await openRawService((socket, _request, count) => {
      held.push(socket);
      most = Math.max(most, held.length);
      if (held.length === 3 || count === 100) for (const one of held.splice(0)) one.write(httpAnswer(200));
    });
    const client = openClient(service.url, { connections: 3, maxInFlight: 100 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.post(SMALL_POST)));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(service.posts).toHaveLength(100);
    expect(most).toBe(3);
  });
});

describe('a call that times out before it has a connection', () => {
  test('a call that times out while it waits for a free connection is NOT_SENT, and is never sent later', async () => {
    let held: Socket | null = null;
    const service = await openRawService((socket, _request, count) => {
      if (count === 1) held = socket;
      else socket.write(httpAnswer(200));
    });
    const client = openClient(service.url, { connections: 1, timeoutMs: 200 });
    const holder = client.post({ ...SMALL_POST, body: '"holder"' });
    const waiting = Promise.all(
      [1, 2, 3].map(() => expectFailure(client.post({ ...SMALL_POST, body: '"late"' }), OVERLOADED)),
    );
    await expectFailure(holder, TIMEOUT);
    await waiting;
    (held as Socket | null)?.destroy();
    await client.post({ ...SMALL_POST, body: '"next"' });
    await client.close();
    expect(service.posts.map(({ body }) => body.toString())).toEqual(['"holder"', '"next"']);
  });

  test('a call that times out while its connection is being opened is NOT_SENT, and is never sent later', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(200)));
    const client = openClient(service.url, { connections: 1, timeoutMs: 100 });
    const late = client.post({ ...SMALL_POST, body: '"late"' });
    // Blocks the event loop until the call has timed out, so that its connection cannot be opened before.
    const until = performance.now() + 120;
    while (performance.now() < until);
    await expectFailure(late, { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true });
    const next = (): Promise<number | null> =>
      client.post({ ...SMALL_POST, body: '"next"' }).then(
        ({ status }) => status,
        () => null,
      );
    await expect.poll(next).toBe(200);
    expect(service.posts.map(({ body }) => body.toString())).not.toContain('"late"');
    expect(service.connections()).toBe(1);
  });
});

describe('a connection', () => {
  test('a connection is kept and reused', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(200)));
    const client = openClient(service.url, { connections: 1 });
    for (let post = 0; post < 5; post += 1) await client.post(SMALL_POST);
    expect(service.posts).toHaveLength(5);
    expect(service.connections()).toBe(1);
  });

  test('a connection that the service closed between two calls is replaced', async () => {
    let closed = 0;
    const service = await openRawService((socket) => {
      socket.on('close', () => {
        closed += 1;
      });
      socket.end(httpAnswer(200));
    });
    const client = openClient(service.url);
    expect((await client.post(SMALL_POST)).status).toBe(200);
    await expect.poll(() => closed).toBe(1);
    expect((await client.post(SMALL_POST)).status).toBe(200);
    expect(service.posts).toHaveLength(2);
    expect(service.connections()).toBe(2);
  });

  test('a connection on which the service sends more than the answer is not reused', async () => {
    const service = await openRawService((socket, { body }) =>
      socket.write(Buffer.concat([httpAnswer(200, body), httpAnswer(200, 'stale')])),
    );
    const client = openClient(service.url, { connections: 1 });
    for (const body of ['"first"', '"second"']) {
      expect((await client.post({ ...SMALL_POST, body })).body.toString()).toBe(body);
    }
    expect(service.connections()).toBe(2);
  });

  test('a call on a connection that the service resets at that moment is sent at most once', async () => {
    const service = await openRawService((socket, _request, count) => {
      if (count === 1) socket.write(httpAnswer(200));
      else socket.resetAndDestroy();
    });
    const client = openClient(service.url, { connections: 1, connectRetries: 3 });
    await client.post(SMALL_POST);
    await expectFailure(client.post(SMALL_POST), {
      code: 'UPSTREAM_CONNECTION_LOST',
      outcome: 'UNKNOWN',
      retryable: false,
    });
    await client.close();
    expect(service.posts).toHaveLength(2);
  });

  test('no POST is doubled when the service closes each connection in a race with its next use', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(200), () => socket.destroy()));
    const client = openClient(service.url, { connections: 1, connectRetries: 3 });
    const bodies = Array.from({ length: 40 }, (_, index) => `"${index}"`);
    for (const body of bodies) await client.post({ ...SMALL_POST, body }).catch(() => null);
    await client.close();
    const arrived = service.posts.map(({ body }) => body.toString());
    expect(arrived.length).toBeGreaterThan(0);
    expect(new Set(arrived).size).toBe(arrived.length);
  });
});

describe('an invalid header value', () => {
  const BAD = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false } as const;

  test.each(['Bearer x\r\nX-Injected: 1', 'Bearer x\n', 'Bearer \0', 'Bearer \u{1F600}'])(
    'a header with the value %j is never sent',
    async (value) => {
      const service = await openRawService((socket) => socket.write(httpAnswer(200)));
      const client = openClient(service.url, { connections: 1 });
      const failure = await expectFailure(client.post({ ...SMALL_POST, headers: { Authorization: value } }), BAD);
      expect(failure.message).toBe('Authorization: contains a character that HTTP does not allow in a header');
      // The only connection can still be used by the next call.
      expect((await client.post(SMALL_POST)).status).toBe(200);
      expect(service.posts).toHaveLength(1);
    },
  );
});

describe('close', () => {
  test('closing the client finishes the calls in flight and refuses new ones', async () => {
    const held: Socket[] = [];
    const service = await openRawService((socket) => held.push(socket));
    const client = openClient(service.url);
    const underWay = client.post(SMALL_POST);
    await expect.poll(() => held.length).toBe(1);
    const closed = Promise.all([client.close(), client.close()]);
    await expectFailure(client.post(SMALL_POST), OVERLOADED);
    held[0]?.write(httpAnswer(200));
    expect((await underWay).status).toBe(200);
    await closed;
    expect(service.posts).toHaveLength(1);
  });
});
