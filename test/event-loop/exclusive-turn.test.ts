import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exclusiveTurn } from '../../src/event-loop/turn-batch.ts';

test('admits callers in order, late ones included, with turns for others in between', async () => {
  let turn = 0;
  const entered = new Map<string, number>();
  const enter = async (name: string): Promise<void> => {
    await exclusiveTurn();
    entered.set(name, turn);
  };
  const counting = (async () => {
    for (let left = 60; left > 0; left -= 1, turn += 1) await nextTurn();
  })();
  await Promise.all([enter('first'), enter('second'), enter('third')]);
  await enter('later');
  await counting;
  expect([...entered.keys()]).toEqual(['first', 'second', 'third', 'later']);
  const turns = [...entered.values()];
  const gaps = turns.slice(1).map((after, index) => after - (turns[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(8);
});
