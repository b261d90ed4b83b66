import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readBody } from '../../src/server/request-body.ts';

function openRequest(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: {} }) as unknown as PassThrough & IncomingMessage;
}

test('a body that arrived in full is given, though its caller leaves in the same turn', async () => {
  const request = openRequest();
  request.on('end', () => request.destroy(new Error('aborted')));
  const body = readBody(request, 100);
  request.end('whole');
  expect((await body)?.toString()).toBe('whole');
});

test('a body that breaks off is not given', async () => {
  const request = openRequest();
  const body = readBody(request, 100);
  request.write('ha');
  setImmediate(() => request.destroy(new Error('aborted')));
  await expect(body).rejects.toThrow('aborted');
});
