import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { httpAnswer } from './raw-service.ts';
import { openClient, openRawService, SMALL_POST } from './test-client.ts';

describe('an answer is read', () => {
  test('in however many pieces it comes', async () => {
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
    expect(answer).toEqual({ status: 200, contentType: 'text/plain', body: Buffer.from('abc') });
  });

  test('to the very bound of its size', async () => {
    const service = await openRawService((socket) => socket.write(httpAnswer(200, 'x'.repeat(1024))));
    expect((await openClient(service.url).post(SMALL_POST)).body).toHaveLength(1024);
  });

  test('past early hints and other interim answers', async () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const service = await openRawService((socket) =>
      socket.write(Buffer.concat([Buffer.from(interim), httpAnswer(200, 'ok')])),
    );
    expect(await openClient(service.url).post(SMALL_POST)).toMatchObject({ status: 200, body: Buffer.from('ok') });
    expect(service.posts).toHaveLength(1);
  });

  test('that ends with its connection', async () => {
    const service = await openRawService((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'));
    expect((await openClient(service.url).post(SMALL_POST)).body.toString()).toBe('ok');
  });

  test.each([301, 302, 303, 307, 308])('as it is when it is a redirect (%i): nothing follows it', async (status) => {
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
  ])('in %s though nobody asked for an encoding', async (encoding, body) => {
    const service = await openRawService((socket) =>
      socket.write(httpAnswer(200, body, [`Content-Encoding: ${encoding}`])),
    );
    expect((await openClient(service.url).post(SMALL_POST)).body.toString()).toBe('{"a":1}');
    expect(service.posts).toHaveLength(1);
  });
});
