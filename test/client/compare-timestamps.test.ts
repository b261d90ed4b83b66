import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEarlier } from '../../src/contract/text-formats.ts';
import { compareTimestamps, parseTicks } from '../../src/client/account-task-client.ts';

describe('the comparison of timestamps', () => {
  test.each([
    ['100 ns apart', '2026-02-22T04:10:00.9543747Z', '2026-02-22T04:10:00.9543748Z', -1],
    ['the same with other offsets', '2026-02-22T04:10:00.9543747+00:00', '2026-02-22T05:10:00.9543747+01:00', 0],
    ['the same with a half-hour offset', '2026-02-22T04:10:00Z', '2026-02-21T22:40:00-05:30', 0],
    ['100 ns apart over offsets', '2026-02-22T04:10:00.0000001Z', '2026-02-22T05:10:00+01:00', 1],
    ['the same with trailing zeros trimmed', '2026-02-22T04:10:00.5Z', '2026-02-22T04:10:00.5000000Z', 0],
    ['in another order as texts', '2026-02-22T10:00:00+09:00', '2026-02-22T02:00:00Z', -1],
    ['around 1970', '1969-12-31T23:59:59.9999999Z', '1970-01-01T00:00:00Z', -1],
    ['the first and the last', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.9999999Z', -1],
  ])('compares two timestamps without losing digits: %s', (_name, a, b, sign) => {
    expect(compareTimestamps(a, b)).toBe(sign);
    expect(compareTimestamps(b, a)).toBe(0 - sign);
  });

  test('compares timestamps as the gateway does', () => {
    const timestamp = fc
      .record({
        at: fc.date({ min: new Date('2026-01-01'), max: new Date('2026-01-02'), noInvalidDate: true }),
        fraction: fc.stringMatching(/^(\.\d{1,7})?$/),
        offset: fc.stringMatching(/^(Z|[+-](0\d|1[0-3]):[0-5]\d)$/),
      })
      .map(({ at, fraction, offset }) => `${at.toISOString().slice(0, 19)}${fraction}${offset}`);
    fc.assert(
      fc.property(timestamp, timestamp, (a, b) => {
        expect(isEarlier(a, b)).toBe(compareTimestamps(a, b) < 0);
        expect(isEarlier(b, a)).toBe(compareTimestamps(a, b) > 0);
      }),
    );
  });

  test('works as the comparator of sort', () => {
    const sorted = ['2026-02-22T04:10:00.9543747Z', '2026-02-22T05:10:00.9543746+01:00', '2026-02-22T04:10:00Z'];
    expect(sorted.toSorted(compareTimestamps)).toEqual(sorted.toReversed());
  });
});

test.each(['', 'now', '2026-02-22', '2026-02-22T04:10:00', '2026-02-22T04:10:00.12345678Z', '2026-13-22T04:10:00Z'])(
  'returns no ticks for "%s"',
  (text) => {
    expect(parseTicks(text)).toBeNull();
    expect(() => compareTimestamps(text, text)).toThrow(RangeError);
  },
);
