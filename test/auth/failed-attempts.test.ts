import { describe, expect, test } from 'vitest';
import { createFailedAttempts } from '../../src/auth/token-endpoint.ts';

const WINDOW_MS = 1000;

function sample({ maxKeys = 100 } = {}) {
  const clock = { nowMs: 5_000_000 };
  const attempts = createFailedAttempts({ maxAttempts: 3, windowMs: WINDOW_MS, maxKeys, now: () => clock.nowMs });
  const fail = (key: string, times: number): void => {
    for (let time = 0; time < times; time += 1) attempts.count(key);
  };
  return { attempts, clock, fail };
}

describe('failed attempts', () => {
  test('lock a key at the limit but not before, and lock no other key', () => {
    const { attempts, fail } = sample();
    fail('a', 2);
    expect(attempts.waitMs('a')).toBe(0);
    fail('a', 1);
    expect(attempts.waitMs('a')).toBe(WINDOW_MS);
    expect(attempts.waitMs('b')).toBe(0);
  });

  test('can be held to a lower limit', () => {
    const { attempts, fail } = sample();
    fail('a', 2);
    expect([attempts.waitMs('a', 2), attempts.waitMs('a', 3)]).toEqual([WINDOW_MS, 0]);
  });

  test('expire one by one as the window slides', () => {
    const { attempts, clock, fail } = sample();
    fail('a', 1);
    clock.nowMs += 400;
    fail('a', 2);
    expect(attempts.waitMs('a')).toBe(600);
    clock.nowMs += 599;
    expect(attempts.waitMs('a')).toBe(1);
    clock.nowMs += 1;
    expect(attempts.waitMs('a')).toBe(0);
    fail('a', 1);
    expect(attempts.waitMs('a')).toBe(400);
  });

  test('count from their start until they are undone', () => {
    const { attempts } = sample();
    const undo = ['a', 'a', 'a'].map((key) => attempts.count(key));
    expect(attempts.waitMs('a')).toBe(WINDOW_MS);
    undo[0]?.();
    expect(attempts.waitMs('a')).toBe(0);
    attempts.count('a');
    expect(attempts.waitMs('a')).toBe(WINDOW_MS);
  });

  test('that are undone late do not undo others', () => {
    const { attempts, clock, fail } = sample();
    const undo = attempts.count('a');
    clock.nowMs += WINDOW_MS;
    fail('a', 3);
    undo();
    expect(attempts.waitMs('a')).toBe(WINDOW_MS);
  });

  test('are kept for a limited number of keys, those that failed last', () => {
    const { attempts, fail } = sample({ maxKeys: 2 });
    fail('a', 3);
    fail('b', 3);
    fail('a', 1);
    fail('c', 3);
    expect(['a', 'b', 'c'].map((key) => attempts.waitMs(key) > 0)).toEqual([true, false, true]);
  });
});
