import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

const LOST = { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN', retryable: false } as const;
const UNREADABLE = { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN', retryable: false } as const;
const TIMEOUT = { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN', retryable: false } as const;

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Ways in which the service breaks off after it has read the whole request, with the expected failure. */
const BREAKS = {
  'a connection closed before any answer': [LOST, (socket: Socket) => socket.end()],
  'a connection reset after the request was read': [LOST, (socket: Socket) => socket.resetAndDestroy()],
  'a connection closed in the middle of the headers': [LOST, (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nX-')],
  'a body shorter than its Content-Length': [
    LOST,
    (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'),
  ],
  'a body shorter than its Content-Length on a connection to be closed': [
    LOST,
    (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{'),
  ],
  'a chunked body without its last chunk': [LOST, (socket: Socket) => socket.end(`${CHUNKED}1\r\n{\r\n`)],
  'a chunked body without its last chunk on a connection to be closed': [
    LOST,
    (socket: Socket) => socket.end(`${CHUNKED.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}1\r\n{\r\n`),
  ],
  'an answer that is not HTTP': [UNREADABLE, (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
  'an invalid chunk size': [UNREADABLE, (socket: Socket) => socket.write(`${CHUNKED}zz\r\n`)],
  'headers larger than 16 KiB': [
    UNREADABLE,
    (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(17_000)}\r\n\r\n`),
  ],
  'a Content-Length above the limit': [
    UNREADABLE,
    (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n'),
  ],
  'a body that never ends': [
    UNREADABLE,
    (socket: Socket) => {
      socket.write(CHUNKED);
      const chunk = `100\r\n${'x'.repeat(256)}\r\n`;
      const pour = (): unknown => socket.writable && socket.write(chunk, pour);
      pour();
    },
  ],
  'a protocol switch': [
    UNREADABLE,
    (socket: Socket) => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
  ],
  'a protocol switch without an Upgrade header': [
    UNREADABLE,
    (socket: Socket) => socket.write('HTTP/1.1 101 Switching\r\n\r\n'),
  ],
  'an interim answer larger than 16 KiB': [
    UNREADABLE,
    (socket: Socket) => socket.write(`HTTP/1.1 100 Continue\r\nX-Big: ${'x'.repeat(17_000)}\r\n\r\n`),
  ],
  'an interim answer without a final one': [LOST, (socket: Socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n')],
  'an unknown content encoding': [
    UNREADABLE,
    (socket: Socket) => socket.write(httpAnswer(200, 'x', ['Content-Encoding: aes128gcm'])),
  ],
  'damaged gzip': [UNREADABLE, (socket: Socket) => socket.write(httpAnswer(200, 'x', ['Content-Encoding: gzip']))],
  'gzip that decompresses to more than the limit': [
    UNREADABLE,
    (socket: Socket) => socket.write(httpAnswer(200, gzipSync('x'.repeat(100_000)), ['Content-Encoding: gzip'])),
  ],
} as const;

/** The same for answers that take longer than the timeout of the call. */
const SLOW = {
  'no answer at all': [TIMEOUT, () => undefined],
  'headers without a body': [TIMEOUT, (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')],
  'headers that drip a byte at a time': [TIMEOUT, (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX: ')],
  'a body that drips a byte at a time': [
    TIMEOUT,
    (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n'),
  ],
} as const;

function drip(socket: Socket, start: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write('x'), 5);
  socket.on('close', () => clearInterval(timer));
}

describe('an answer that cannot be trusted', () => {
  test.each(Object.entries(BREAKS))(
    'after %s the outcome is UNKNOWN, and the POST is not repeated',
    async (_name, [kind, play]) => {
      const service = await openRawService((socket) => play(socket));
      const client = openClient(service.url, { connectRetries: 3 });
      await expectFailure(client.post(SMALL_POST), kind);
      await client.close();
      expect(service.posts).toHaveLength(1);
    },
  );

  test.each(Object.entries(SLOW))(
    'after %s until the timeout the outcome is UNKNOWN, and the POST is not repeated',
    async (_name, [kind, play]) => {
      const service = await openRawService((socket) => play(socket));
      const client = openClient(service.url, { connectRetries: 3, timeoutMs: 150 });
      await expectFailure(client.post(SMALL_POST), kind);
      await client.close();
      expect(service.posts).toHaveLength(1);
    },
  );

  test('a failure keeps the error of the transport as its cause', async () => {
    const service = await openRawService((socket) => socket.resetAndDestroy());
    const failure = await expectFailure(openClient(service.url).post(SMALL_POST), LOST);
    expect(failure.cause).toMatchObject({ code: 'ECONNRESET' });
  });

  test('the cause of a failure, which is logged, contains nothing of the answer', async () => {
    const service = await openRawService((socket) => socket.write('HTTP/1.1 200 OK\nX-Secret: hunter2\n\n{}'));
    const { cause } = await expectFailure(openClient(service.url).post(SMALL_POST), UNREADABLE);
    expect(cause).toMatchObject({ name: 'HTTPParserError', message: expect.stringContaining('HTTP/1.1 protocol') });
    expect(inspect(cause)).not.toContain('hunter2');
  });
});

describe('a status that decides without its body', () => {
  test.each([400, 401, 403, 404, 409, 413, 422, 429, 500, 503])(
    'status %i decides although its body breaks off',
    async (status) => {
      const service = await openRawService((socket) =>
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 9\r\n\r\n{`),
      );
      const answer = await openClient(service.url).post(SMALL_POST);
      expect(answer).toMatchObject({ status, contentType: null, body: Buffer.alloc(0) });
      expect(service.posts).toHaveLength(1);
    },
  );

  test('status 401 decides although its body is too large', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(401, 'x'.repeat(2000))));
    expect(await openClient(service.url).post(SMALL_POST)).toMatchObject({ status: 401, body: Buffer.alloc(0) });
    expect(service.posts).toHaveLength(1);
  });

  test('status 503 decides although its body never arrives', async () => {
    const service = await openRawService((socket) => socket.write('HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n'));
    const client = openClient(service.url, { timeoutMs: 150 });
    expect(await client.post(SMALL_POST)).toMatchObject({ status: 503, body: Buffer.alloc(0) });
    expect(service.posts).toHaveLength(1);
  });

  test.each([200, 302, 408, 499])('status %i does not decide if its body breaks off', async (status) => {
    const service = await openRawService((socket) => socket.end(`HTTP/1.1 ${status} So\r\nContent-Length: 9\r\n\r\n{`));
    await expectFailure(openClient(service.url).post(SMALL_POST), LOST);
    expect(service.posts).toHaveLength(1);
  });
});
