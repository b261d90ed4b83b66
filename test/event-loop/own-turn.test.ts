import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ownTurn } from '../../src/event-loop/turn-batch.ts';

test('lets one caller in for each turn of the event loop, in their order, and callers who come later', async () => {
  let turn = 0;
  const entered = new Map<string, number>();
  const enter = async (name: string): Promise<void> => {
    await ownTurn();
    entered.set(name, turn);
  };
  const counting = (async () => {
    for (let left = 20; left > 0; left -= 1, turn += 1) await nextTurn();
  })();
  await Promise.all([enter('first'), enter('second'), enter('third')]);
  await enter('later');
  await counting;
  expect([...entered.keys()]).toEqual(['first', 'second', 'third', 'later']);
  expect(new Set(entered.values()).size).toBe(4);
});
