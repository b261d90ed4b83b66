import { version } from 'uuid';
import { expect, test } from 'vitest';
import { createTimeOrderedId, toIdPrefix } from '../../src/store/account-tasks.ts';

const TIME_MS = Date.UTC(2026, 1, 22, 4, 10);

test('IDs of one millisecond are of version 7, unique, and each sorts after the one before', () => {
  const ids = Array.from({ length: 5_000 }, () => createTimeOrderedId(TIME_MS));
  expect(new Set(ids).size).toBe(5_000);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids.map((id) => version(id)))).toEqual(new Set([7]));
});

test('IDs sort by the time they are created for, even if the clock is set back', () => {
  const [later, earlier] = [createTimeOrderedId(TIME_MS + 1), createTimeOrderedId(TIME_MS)];
  expect(earlier < later).toBe(true);
});

test('an ID contains its time', () => {
  expect(Number.parseInt(createTimeOrderedId(TIME_MS).replace('-', '').slice(0, 12), 16)).toBe(TIME_MS);
});

test('the prefix of a time sorts before the IDs of that millisecond and after those of the one before', () => {
  for (const timeMs of [0, 1, TIME_MS, Date.UTC(9999, 11, 31)]) {
    expect(toIdPrefix(timeMs) < createTimeOrderedId(timeMs)).toBe(true);
    expect(timeMs === 0 || toIdPrefix(timeMs) > createTimeOrderedId(timeMs - 1)).toBe(true);
  }
  expect(toIdPrefix(-1)).toBe(toIdPrefix(0));
});
