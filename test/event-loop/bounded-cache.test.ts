import { expect, test } from 'vitest';
import { createBoundedCache } from '../../src/event-loop/bounded-cache.ts';

const numbered = (number: number): string => `key ${String(number).padStart(6, '0')}`;

test('a key in use stays in the cache, however many others are added', () => {
  const cache = createBoundedCache<number>({ maxEntries: 100, maxLength: 1_000_000 });
  cache.set('hot', -1);
  for (let number = 0; number < 10_000; number += 1) {
    cache.set(numbered(number), number);
    expect(cache.get('hot')).toBe(-1);
  }
  expect(cache.get(numbered(0))).toBeUndefined();
  expect(cache.get(numbered(9_999))).toBe(9_999);
});

test.each([
  { bound: 'entries', maxEntries: 100, maxLength: 1_000_000, kept: 100 },
  { bound: 'length', maxEntries: 100_000, maxLength: 100 * numbered(0).length, kept: 100 },
])('the cache is bounded by $bound', ({ maxEntries, maxLength, kept }) => {
  const cache = createBoundedCache<number>({ maxEntries, maxLength });
  for (let number = 0; number < 10_000; number += 1) cache.set(numbered(number), number);
  const known = Array.from({ length: 10_000 }, (_, number) => number).filter(
    (number) => cache.get(numbered(number)) !== undefined,
  );
  expect(known.length).toBeGreaterThan(0);
  expect(known.length).toBeLessThanOrEqual(kept);
});

test('a key that would take more than a tenth of the cache is not stored', () => {
  const cache = createBoundedCache<number>({ maxEntries: 100, maxLength: 1_000 });
  cache.set('x'.repeat(101), 1);
  cache.set('x'.repeat(100), 2);
  expect(cache.get('x'.repeat(101))).toBeUndefined();
  expect(cache.get('x'.repeat(100))).toBe(2);
});

test('a second set replaces the value', () => {
  const cache = createBoundedCache<number>({ maxEntries: 100, maxLength: 1_000 });
  cache.set('a', 1);
  cache.set('a', 2);
  expect(cache.get('a')).toBe(2);
});
