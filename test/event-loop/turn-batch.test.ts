import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurnBatch, endOfBatch, type TurnBatch } from '../../src/event-loop/turn-batch.ts';

/** Adds a callback that appends `name` to `order`; resolves when it has run. */
function addNamed(name: string, batch: TurnBatch, order: string[]): Promise<void> {
  return new Promise((resolve) => {
    batch.add(() => {
      order.push(name);
      resolve();
    });
  });
}

test('runs the callbacks of one turn together, in order, after everything else of the turn', async () => {
  const batch = createTurnBatch();
  const order: string[] = [];
  const first = addNamed('first', batch, order);
  process.nextTick(() => order.push('the rest of the turn'));
  await Promise.resolve();
  const second = addNamed('second', batch, order);
  await Promise.all([first, second]);
  expect(order).toEqual(['the rest of the turn', 'first', 'second']);
});

test('a callback added after its batch has run waits for the next turn', async () => {
  const batch = createTurnBatch();
  const order: string[] = [];
  await Promise.all([addNamed('first', batch, order), addNamed('second', batch, order)]);
  const third = addNamed('third', batch, order);
  await Promise.resolve();
  expect(order).toEqual(['first', 'second']);
  await third;
  expect(order).toEqual(['first', 'second', 'third']);
});

test('after a batch of one, the next 32 callbacks run at once and the one after them waits again', async () => {
  const batch = createTurnBatch();
  const runsAtOnce = (): boolean => {
    const order: string[] = [];
    void addNamed('one', batch, order);
    return order.length === 1;
  };
  expect(runsAtOnce()).toBe(false);
  await nextTurn();
  for (let later = 0; later < 32; later += 1) expect(runsAtOnce()).toBe(true);
  expect(runsAtOnce()).toBe(false);
});

test('endOfBatch resolves in the same turn, once no promise of the batch is left to settle', async () => {
  const batch = createTurnBatch();
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    await addNamed(name, batch, order);
    for (let hop = 0; hop < 5; hop += 1) await Promise.resolve();
    setImmediate(() => order.push('the next turn'));
    const end = endOfBatch();
    order.push(`${name} waits`);
    await end;
    order.push(`${name} goes on`);
  };
  await Promise.all([work('first'), work('second')]);
  expect(order).toEqual(['first', 'second', 'first waits', 'second waits', 'first goes on', 'second goes on']);
});

test('outside a batch endOfBatch resolves when the event loop has read what had arrived', async () => {
  const batch = createTurnBatch();
  await addNamed('first', batch, []);
  await nextTurn();
  let isOver = false;
  const end = endOfBatch().then(() => (isOver = true));
  await new Promise((resolve) => process.nextTick(resolve));
  expect(isOver).toBe(false);
  await end;
});
