import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createBodyBudget } from '../../src/http/body-budget.ts';
import { createRequestBodies } from '../../src/http/request-body.ts';

const RESPONSE = {} as ServerResponse;
const bodies = createRequestBodies({ budget: createBodyBudget({ maxBytes: 1_000_000 }), toAddress: () => 'a' });

function openRequest(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: {} }) as unknown as PassThrough & IncomingMessage;
}

test('a complete body is delivered even if its caller leaves in the same turn', async () => {
  const request = openRequest();
  request.on('end', () => request.destroy(new Error('aborted')));
  const body = bodies.read(request, RESPONSE, 100);
  request.end('whole');
  expect((await body)?.toString()).toBe('whole');
});

test('a body that breaks off is rejected', async () => {
  const request = openRequest();
  const body = bodies.read(request, RESPONSE, 100);
  request.write('ha');
  setImmediate(() => request.destroy(new Error('aborted')));
  await expect(body).rejects.toThrow('aborted');
});

test('a body is rejected if its caller leaves before it is read', async () => {
  const request = openRequest();
  request.write('ha');
  request.destroy();
  await expect(bodies.read(request, RESPONSE, 100)).rejects.toThrow('The caller has left.');
});

test('large bodies that arrive together are delivered in event-loop turns of their own', async () => {
  const turns = new Set<number>();
  let turn = 0;
  const countTurns = (): void => {
    turn += 1;
    if (turns.size < 3 && turn < 1_000) setImmediate(countTurns);
  };
  setImmediate(countTurns);
  const requests = Array.from({ length: 3 }, async () => {
    const request = openRequest();
    const body = bodies.read(request, RESPONSE, 200_000);
    request.end('x'.repeat(100_000));
    await body;
    turns.add(turn);
  });
  await Promise.all(requests);
  expect(turns.size).toBe(3);
});
