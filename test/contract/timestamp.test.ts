import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, isEarlier, isTimestamp, nextTick, toTicks } from '../../src/contract/text-formats.ts';

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const isLeap = (year: number) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const daysInMonth = (year: number, month: number) =>
  (MONTH_LENGTHS[month - 1] as number) + (month === 2 && isLeap(year) ? 1 : 0);
const pad = (value: number, width = 2) => String(value).padStart(width, '0');

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly fraction: string;
  readonly offsetMinutes: number;
}

/** Ticks counted day by day in the proleptic Gregorian calendar, without Date. */
function countTicks(parts: Parts): bigint {
  const past = parts.year - 1;
  let days = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) + parts.day - 1;
  for (let month = 1; month < parts.month; month += 1) days += daysInMonth(parts.year, month);
  const minutes = BigInt(days * 1440 + parts.hour * 60 + parts.minute - parts.offsetMinutes);
  return (minutes * 60n + BigInt(parts.second)) * 10_000_000n + BigInt(`${parts.fraction}0000000`.slice(0, 7));
}

function write(parts: Parts, zone = writeOffset(parts.offsetMinutes)): string {
  const fraction = parts.fraction && `.${parts.fraction}`;
  const time = `${pad(parts.hour)}:${pad(parts.minute)}:${pad(parts.second)}${fraction}`;
  return `${pad(parts.year, 4)}-${pad(parts.month)}-${pad(parts.day)}T${time}${zone}`;
}

function writeOffset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** Years 2 to 9998, so that no offset leaves the range. */
const anyParts: fc.Arbitrary<Parts> = fc
  .record({
    year: fc.oneof(fc.integer({ min: 2, max: 9998 }), fc.constantFrom(4, 100, 1582, 1900, 2000, 2024, 2026)),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 59 }),
    fraction: fc.stringMatching(/^\d{0,7}$/),
    offsetMinutes: fc.oneof(fc.integer({ min: -840, max: 840 }), fc.constantFrom(0, -840, 840)),
  })
  .map((parts) => ({ ...parts, day: Math.min(parts.day, daysInMonth(parts.year, parts.month)) }));

describe('a timestamp', () => {
  test('toTicks counts the ticks of a timestamp exactly', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const text = write(parts);
        expect(isTimestamp(text)).toBe(true);
        expect(toTicks(text)).toBe(countTicks(parts));
      }),
      { numRuns: 1000 },
    );
  });

  test('isEarlier compares instants, whatever the offsets', () => {
    // Half of the pairs differ only in fraction and offset, which then decide the order.
    const anyPair = fc.record({ a: anyParts, b: anyParts, near: fc.boolean() });
    fc.assert(
      fc.property(anyPair, ({ a, b, near }) => {
        const other = near ? { ...a, fraction: b.fraction, offsetMinutes: b.offsetMinutes } : b;
        const difference = countTicks(a) - countTicks(other);
        expect(isEarlier(write(a), write(other))).toBe(difference < 0n);
        expect(isEarlier(write(other), write(a))).toBe(difference > 0n);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['0001-01-01T00:00:00Z', 0n],
    ['0001-01-01T14:00:00+14:00', 0n],
    ['1970-01-01T00:00:00-00:00', 621_355_968_000_000_000n],
    ['2026-02-22T04:10:00.9543747+00:00', 639_073_302_009_543_747n],
    ['2026-02-22T04:10:00.0000001Z', 639_073_302_000_000_001n],
    ['9999-12-31T23:59:59.9999999Z', 3_155_378_975_999_999_999n],
    ['9999-12-31T09:59:59.9999999-14:00', 3_155_378_975_999_999_999n],
  ])('the timestamp %s is tick %d of .NET', (text, ticks) => {
    expect(isTimestamp(text)).toBe(true);
    expect(toTicks(text)).toBe(ticks);
  });

  test.each([2000, 2024, 4, 2400])('February 29 of %i is accepted', (year) => {
    expect(isTimestamp(`${pad(year, 4)}-02-29T00:00:00Z`)).toBe(true);
  });

  test.each([
    ['a tick before the first', '0001-01-01T00:00:00+00:01'],
    ['a tick after the last', '9999-12-31T23:59:59.9999999-00:01'],
    ['year 0000', '0000-06-01T00:00:00Z'],
    ['year 0000, though in range in UTC', '0000-12-31T23:59:00-01:00'],
    ['year 10000', '10000-01-01T00:00:00Z'],
    ['a signed year', '+2026-01-01T00:00:00Z'],
    ['month 00', '2026-00-10T00:00:00Z'],
    ['month 13', '2026-13-10T00:00:00Z'],
    ['day 00', '2026-02-00T00:00:00Z'],
    ['day 32', '2026-01-32T00:00:00Z'],
    ['February 30', '2024-02-30T00:00:00Z'],
    ['February 29 of a common year', '2026-02-29T00:00:00Z'],
    ['February 29 of 1900', '1900-02-29T00:00:00Z'],
    ['April 31', '2026-04-31T00:00:00Z'],
    ['24:00', '2026-02-22T24:00:00Z'],
    ['minute 60', '2026-02-22T04:60:00Z'],
    ['second 60', '2016-12-31T23:59:60Z'],
    ['8 fraction digits', '2026-02-22T04:10:00.95437471Z'],
    ['a point without digits', '2026-02-22T04:10:00.Z'],
    ['a decimal comma in the seconds', '2026-02-22T04:10:00,5Z'],
    ['no offset', '2026-02-22T04:10:00'],
    ['an offset without minutes', '2026-02-22T04:10:00+01'],
    ['an offset without colon', '2026-02-22T04:10:00+0100'],
    ['an offset of +14:01', '2026-02-22T04:10:00+14:01'],
    ['an offset of -14:01', '2026-02-22T04:10:00-14:01'],
    ['an offset of +01:60', '2026-02-22T04:10:00+01:60'],
    ['a lower-case t', '2026-02-22t04:10:00Z'],
    ['a lower-case z', '2026-02-22T04:10:00z'],
    ['a blank instead of the T', '2026-02-22 04:10:00Z'],
    ['no seconds', '2026-02-22T04:10Z'],
    ['a date without a time', '2026-02-22'],
    ['a week date', '2026-W08-7T04:10:00Z'],
    ['a leading blank', ' 2026-02-22T04:10:00Z'],
    ['a trailing line feed', '2026-02-22T04:10:00Z\n'],
    ['digits of another script', '２０２６-02-22T04:10:00Z'],
    ['an empty text', ''],
  ])('isTimestamp rejects %s', (_, text) => {
    expect(isTimestamp(text)).toBe(false);
  });
});

test.each([
  ['2026-02-22T04:10:00.9543747+00:00', '2026-02-22T04:10:00.9543748+00:00'],
  ['2026-02-22T06:10:00.95+02:00', '2026-02-22T04:10:00.9500001+00:00'],
  ['2026-12-31T23:59:59.9999999Z', '2027-01-01T00:00:00+00:00'],
])('the instant 100 ns after %s is %s', (text, next) => {
  expect(nextTick(text)).toBe(next);
});

describe('formatTimestamp', () => {
  test.each([
    [0, '1970-01-01T00:00:00+00:00'],
    [10_000, '1970-01-01T00:00:10+00:00'],
    [100, '1970-01-01T00:00:00.1+00:00'],
    [120, '1970-01-01T00:00:00.12+00:00'],
    [1, '1970-01-01T00:00:00.001+00:00'],
    [1.001, '1970-01-01T00:00:00.001001+00:00'],
    [0.0007, '1970-01-01T00:00:00.0000007+00:00'],
    [1.0001, '1970-01-01T00:00:00.0010001+00:00'],
    [999.9999, '1970-01-01T00:00:00.9999999+00:00'],
    [999.999_99, '1970-01-01T00:00:00.9999999+00:00'],
    [-1, '1969-12-31T23:59:59.999+00:00'],
    [-0.0001, '1969-12-31T23:59:59.9999999+00:00'],
    [-999.5, '1969-12-31T23:59:59.0005+00:00'],
    [1_771_733_400_000, '2026-02-22T04:10:00+00:00'],
    [1_771_733_400_954.5, '2026-02-22T04:10:00.9545+00:00'],
    [253_402_300_799_999, '9999-12-31T23:59:59.999+00:00'],
  ])('formatTimestamp writes %d ms as %s', (epochMs, text) => {
    expect(formatTimestamp(epochMs)).toBe(text);
  });

  test('formatTimestamp keeps the instant within 100 ns and writes no trailing zero', () => {
    const clockMs = fc.double({ min: -60_000_000_000_000, max: 250_000_000_000_000, noNaN: true });
    fc.assert(
      fc.property(clockMs, (epochMs) => {
        const text = formatTimestamp(epochMs);
        const ticks = toTicks(text);
        const sinceWholeMs = Number(ticks - (621_355_968_000_000_000n + BigInt(Math.floor(epochMs)) * 10_000n));
        expect(Math.abs(sinceWholeMs - (epochMs - Math.floor(epochMs)) * 10_000)).toBeLessThanOrEqual(1);
        expect(text).toMatch(/:\d\d(\.\d{0,6}[1-9])?\+00:00$/);
      }),
      { numRuns: 500 },
    );
  });
});
