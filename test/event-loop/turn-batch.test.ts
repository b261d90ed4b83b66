import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createCohort, othersOfTurn } from '../../src/event-loop/turn-batch.ts';

/** Joins, and notes the name when it goes on. */
function joinAs(name: string, cohort: ReturnType<typeof createCohort>, order: string[]): Promise<void> {
  return new Promise((resolve) => {
    cohort.join(() => {
      order.push(name);
      resolve();
    });
  });
}

test('those who come in one turn go on together, in their order, after everything else of the turn', async () => {
  const cohort = createCohort();
  const order: string[] = [];
  const first = joinAs('first', cohort, order);
  process.nextTick(() => order.push('what else the turn brings'));
  await Promise.resolve();
  const second = joinAs('second', cohort, order);
  await Promise.all([first, second]);
  expect(order).toEqual(['what else the turn brings', 'first', 'second']);
});

test('who comes after the others have gone on waits for those of the next turn', async () => {
  const cohort = createCohort();
  const order: string[] = [];
  await Promise.all([joinAs('first', cohort, order), joinAs('second', cohort, order)]);
  const third = joinAs('third', cohort, order);
  await Promise.resolve();
  expect(order).toEqual(['first', 'second']);
  await third;
  expect(order).toEqual(['first', 'second', 'third']);
});

test('after one who was alone nobody waits, until it is time to look again', async () => {
  const cohort = createCohort();
  const hasGoneOn = (): boolean => {
    const order: string[] = [];
    void joinAs('one', cohort, order);
    return order.length === 1;
  };
  expect(hasGoneOn()).toBe(false);
  await nextTurn();
  for (let later = 0; later < 32; later += 1) expect(hasGoneOn()).toBe(true);
  expect(hasGoneOn()).toBe(false);
});

test('in the work of a cohort the others have come as far when no promise of it is left, in the same turn', async () => {
  const cohort = createCohort();
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    await joinAs(name, cohort, order);
    for (let hop = 0; hop < 5; hop += 1) await Promise.resolve();
    setImmediate(() => order.push('the next turn'));
    const others = othersOfTurn();
    order.push(`${name} waits`);
    await others;
    order.push(`${name} goes on`);
  };
  await Promise.all([work('first'), work('second')]);
  expect(order).toEqual(['first', 'second', 'first waits', 'second waits', 'first goes on', 'second goes on']);
});

test('outside of one they have when the event loop has read what had arrived', async () => {
  const cohort = createCohort();
  await joinAs('first', cohort, []);
  await nextTurn();
  let isOver = false;
  const others = othersOfTurn().then(() => (isOver = true));
  await new Promise((resolve) => process.nextTick(resolve));
  expect(isOver).toBe(false);
  await others;
});
