import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { httpAnswer } from '../support/raw-service.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

const OK = httpAnswer(200, 'ok');

function interim(statuses: readonly number[]): Buffer {
  return Buffer.from(statuses.map((status) => `HTTP/1.1 ${status} Interim\r\nX-Header: a\r\n\r\n`).join(''));
}

describe('an answer is read', () => {
  test('an answer is read in any number of pieces', async () => {
    const service = await openRawService((socket) => {
      const pieces = [
        'HTTP/1.1 200 OK\r\nContent-Ty',
        'pe: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab',
        '\r\n1\r\nc\r\n0\r\n',
        '\r\n',
      ];
      const next = (): void => {
        const piece = pieces.shift();
        if (piece !== undefined) socket.write(piece, () => setImmediate(next));
      };
      next();
    });
    const answer = await openClient(service.url).post(SMALL_POST);
    expect(answer).toMatchObject({ status: 200, contentType: 'text/plain', body: Buffer.from('abc') });
  });

  test('an answer of exactly the largest size is read', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(200, 'x'.repeat(1024))));
    expect((await openClient(service.url).post(SMALL_POST)).body).toHaveLength(1024);
  });

  test.each([[[100]], [[102]], [[103]], [[199]], [[100, 100, 100]], [[103, 100]], [[100, 102, 103, 100]]])(
    'the interim answers %j are skipped',
    async (statuses) => {
      const service = await openRawService((socket) => socket.write(Buffer.concat([interim(statuses), OK])));
      const client = openClient(service.url, { connections: 1 });
      for (let call = 0; call < 2; call += 1)
        expect(await client.post(SMALL_POST)).toMatchObject({ status: 200, body: Buffer.from('ok') });
      expect(service.posts).toHaveLength(2);
      expect(service.connections()).toBe(1);
    },
  );

  test('an interim answer of HTTP/1.0 is skipped too', async () => {
    const service = await openRawService((socket) =>
      socket.write(Buffer.concat([Buffer.from('HTTP/1.0 100 Continue\r\n\r\n'), OK])),
    );
    expect(await openClient(service.url).post(SMALL_POST)).toMatchObject({ status: 200, body: Buffer.from('ok') });
  });

  test('interim answers that arrive byte by byte are skipped', async () => {
    const service = await openRawService((socket) => {
      const bytes = Buffer.concat([interim([100, 103, 100]), OK]);
      const writeFrom = (start: number): void => {
        if (start < bytes.length)
          socket.write(bytes.subarray(start, start + 1), () => setImmediate(writeFrom, start + 1));
      };
      writeFrom(0);
    });
    const answer = await openClient(service.url).post(SMALL_POST);
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('ok') });
    expect(service.posts).toHaveLength(1);
  });

  test('an interim answer that arrives before the request is skipped', async () => {
    const service = await openRawService((socket) => socket.write(OK));
    const early = createServer((socket) => {
      socket.write(interim([100]));
      socket.pipe(connect(service.port, '127.0.0.1')).pipe(socket);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void early.close());
    await once(early, 'listening');
    const client = openClient(new URL(`http://127.0.0.1:${(early.address() as AddressInfo).port}`));
    expect((await client.post(SMALL_POST)).status).toBe(200);
    expect(service.posts).toHaveLength(1);
  });

  test('an answer that ends with its connection is read', async () => {
    const service = await openRawService((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'));
    expect((await openClient(service.url).post(SMALL_POST)).body.toString()).toBe('ok');
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%i) is returned and not followed', async (status) => {
    const service = await openRawService((socket, { head }) =>
      socket.write(httpAnswer(status, '', [`Location: http://${/host: (\S+)/i.exec(head)?.[1]}/elsewhere`])),
    );
    const client = openClient(service.url);
    expect((await client.post(SMALL_POST)).status).toBe(status);
    await client.close();
    expect(service.posts).toHaveLength(1);
  });

  test.each([
    ['gzip', gzipSync('{"a":1}')],
    ['GZIP', gzipSync('{"a":1}')],
    ['deflate', deflateSync('{"a":1}')],
    ['deflate', deflateRawSync('{"a":1}')],
    ['br', brotliCompressSync('{"a":1}')],
    ['identity', Buffer.from('{"a":1}')],
  ])('an answer in %s is decoded although no encoding was requested', async (encoding, body) => {
    const service = await openRawService((socket) =>
      socket.write(httpAnswer(200, body, [`Content-Encoding: ${encoding}`])),
    );
    expect((await openClient(service.url).post(SMALL_POST)).body.toString()).toBe('{"a":1}');
    expect(service.posts).toHaveLength(1);
  });
});
