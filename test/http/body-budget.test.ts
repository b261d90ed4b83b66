import { describe, expect, onTestFinished, test } from 'vitest';
import { type BodyPace, createBodyBudget, defaultBodyBudgetBytes } from '../../src/http/body-budget.ts';

/** A pace at which no body stalls or is too slow within a test. */
const RELAXED: BodyPace = { minBytes: 1, intervalMs: 3_600_000, stalledMs: 3_600_000 };

/** Opens a budget whose bodies record the status of their refusal. */
function openBudget(pace: Partial<BodyPace> = {}, maxBytes = 100) {
  const budget = createBodyBudget({ maxBytes, pace: { ...RELAXED, ...pace } });
  const open = (address: string, bytes: number) => {
    const { promise: refused, resolve } = Promise.withResolvers<number>();
    const body = {
      status: 0,
      refused,
      receive: (more: number) => budget.receive(counted, more),
      complete: () => budget.complete(counted),
      close: () => budget.close(counted),
    };
    const counted = budget.open(address, ({ facts }) => resolve((body.status = facts.status)));
    onTestFinished(() => budget.close(counted));
    body.receive(bytes);
    return body;
  };
  return { open };
}

const statuses = (...bodies: readonly { readonly status: number }[]) => bodies.map(({ status }) => status);

describe('the budget of all bodies', () => {
  test('belongs to one address while it is alone, and a byte beyond it is refused', () => {
    const { open } = openBudget();
    const bodies = [open('a', 60), open('a', 40), open('a', 1)];
    expect(statuses(...bodies)).toEqual([0, 0, 503]);
  });

  test('has room again after a body is closed or refused', () => {
    const { open } = openBudget();
    const first = open('a', 60);
    const second = open('a', 40);
    second.receive(1);
    expect(statuses(first, second, open('a', 40))).toEqual([0, 503, 0]);
    first.close();
    expect(open('a', 60).status).toBe(0);
  });

  test('is shared with a second address, and the first keeps half of it', () => {
    const { open } = openBudget();
    const ofFirst = Array.from({ length: 10 }, () => open('a', 10));
    const ofSecond = Array.from({ length: 5 }, () => open('b', 10));
    expect(statuses(...ofSecond)).toEqual([0, 0, 0, 0, 0]);
    expect(statuses(...ofFirst)).toEqual([503, 503, 503, 503, 503, 0, 0, 0, 0, 0]);
    expect(statuses(open('a', 1), open('b', 1))).toEqual([503, 503]);
  });

  test('gives no address more than half while another holds a byte, even if there is room', () => {
    const { open } = openBudget();
    const bodies = [open('b', 1), open('a', 50), open('a', 1), open('b', 49), open('b', 1)];
    expect(statuses(...bodies)).toEqual([0, 0, 503, 0, 503]);
  });

  test('makes room by refusing stalled bodies, the longest first', () => {
    const { open } = openBudget({ stalledMs: 0 });
    const [first, second] = [open('a', 50), open('a', 50)];
    first.receive(0);
    expect(statuses(first, second, open('a', 30))).toEqual([0, 503, 0]);
  });

  test('counts a body three times while its request runs, and refuses it if that exceeds the budget', () => {
    const { open } = openBudget();
    const [first, second] = [open('a', 20), open('a', 20)];
    first.complete();
    second.complete();
    expect(statuses(first, second)).toEqual([0, 503]);
    expect(statuses(open('a', 40), open('a', 1))).toEqual([0, 503]);
    first.close();
    expect(statuses(open('a', 60), open('a', 1))).toEqual([0, 503]);
  });

  test('lets a single body run whatever its size', () => {
    const { open } = openBudget();
    const only = open('a', 100);
    only.complete();
    expect(only.status).toBe(0);
    expect(open('b', 1).status).toBe(503);
  });

  test('is by default at most a quarter of the heap and 256 MB', () => {
    expect(defaultBodyBudgetBytes()).toBeGreaterThan(1_000_000);
    expect(defaultBodyBudgetBytes()).toBeLessThanOrEqual(268_435_456);
  });
});

describe('a body that is too slow', () => {
  test('is refused if less than the minimum arrives in an interval', async () => {
    const { open } = openBudget({ minBytes: 10, intervalMs: 5 });
    expect(await open('a', 9).refused).toBe(408);
  });

  test('is refused, while one that is fast enough is not', async () => {
    const { open } = openBudget({ minBytes: 10, intervalMs: 5 }, 1_000_000_000);
    const steady = open('a', 1);
    const feeding = setInterval(() => steady.receive(10), 1);
    onTestFinished(() => clearInterval(feeding));
    for (const _ of ['first', 'second', 'third']) expect(await open('a', 1).refused).toBe(408);
    expect(steady.status).toBe(0);
  });
});
