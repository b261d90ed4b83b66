import { v7 as uuidv7, version } from 'uuid';
import { expect, test } from 'vitest';

test('GUIDs are of version 7, unique, and each sorts after the one before', () => {
  const guids = Array.from({ length: 5_000 }, () => uuidv7());
  expect(new Set(guids).size).toBe(5_000);
  expect(guids.toSorted()).toEqual(guids);
  expect(new Set(guids.map((guid) => version(guid)))).toEqual(new Set([7]));
});

test('a GUID contains its creation time', () => {
  const before = Date.now();
  const createdMs = Number.parseInt(uuidv7().replace('-', '').slice(0, 12), 16);
  expect(createdMs).toBeGreaterThanOrEqual(before);
  expect(createdMs).toBeLessThanOrEqual(Date.now() + 1);
});
