import { expect, test } from 'vitest';
import { createBodyBudget } from '../../src/http/body-budget.ts';
import { type ArrivingBody, createBodyReader } from '../../src/http/request-body.ts';

const readBody = createBodyReader({ budget: createBodyBudget({ maxBytes: 1_000_000 }), toAddress: () => 'a' });

/** Starts to read the body of a request; returns what an adapter delivers to. */
function read(maxBytes: number, hasLeft = false) {
  const arriving = Promise.withResolvers<ArrivingBody>();
  const body = readBody(
    {
      headers: {},
      remoteAddress: '',
      hasLeft,
      arriving: null,
      startBody: arriving.resolve,
      pauseBody: () => undefined,
    },
    maxBytes,
  );
  return { body, arriving: arriving.promise };
}

test('a complete body is delivered even if its caller leaves in the same turn', async () => {
  const { body, arriving } = read(100);
  const sink = await arriving;
  sink.add(Buffer.from('whole'));
  sink.end();
  sink.fail(new Error('aborted'));
  expect((await body)?.toString()).toBe('whole');
});

test('a body that breaks off is rejected', async () => {
  const { body, arriving } = read(100);
  const sink = await arriving;
  sink.add(Buffer.from('ha'));
  sink.fail(new Error('aborted'));
  await expect(body).rejects.toThrow('aborted');
});

test('a body is rejected if its caller leaves before it is read', async () => {
  await expect(read(100, true).body).rejects.toThrow('The caller has left.');
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
    const { body, arriving } = read(200_000);
    const sink = await arriving;
    sink.add(Buffer.alloc(100_000, 'x'));
    sink.end();
    await body;
    turns.add(turn);
  });
  await Promise.all(requests);
  expect(turns.size).toBe(3);
});
