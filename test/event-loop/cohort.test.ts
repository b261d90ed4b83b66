import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createCohort } from '../../src/event-loop/cohort.ts';

/** Joins, and notes the name when it goes on. */
function joinAs(name: string, cohort: ReturnType<typeof createCohort>, order: string[]): Promise<void> {
  return cohort.join().then(() => void order.push(name));
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
  const hasGoneOn = async (): Promise<boolean> => {
    const order: string[] = [];
    void joinAs('one', cohort, order);
    await Promise.resolve();
    await Promise.resolve();
    return order.length === 1;
  };
  expect(await hasGoneOn()).toBe(false);
  await nextTurn();
  for (let later = 0; later < 32; later += 1) expect(await hasGoneOn()).toBe(true);
  expect(await hasGoneOn()).toBe(false);
});
