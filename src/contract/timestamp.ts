const SHAPE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:\d\d)$/;

/** What `isTimestamp` takes, in words for an error message. */
export const TIMESTAMP_FORM =
  'an ISO 8601 timestamp with Z or an offset and at most 7 fraction digits, such as 2026-02-22T04:10:00.9543747+00:00';

const TICKS_PER_MS = 10_000n;
const TICKS_PER_MINUTE = 600_000_000n;
/** Ticks from 0001-01-01T00:00:00Z, where .NET counts from, to 1970-01-01T00:00:00Z. */
const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;
const MAX_TICKS = 3_155_378_975_999_999_999n;
const MAX_OFFSET_MINUTES = 14 * 60;

/** Whether a text is a timestamp of years 0001 to 9999 (.NET's range); false where it names a day or time that does not exist. */
export function isTimestamp(text: string): boolean {
  if (!SHAPE.test(text)) return false;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return false;
  if (digits(text, 11, 2) > 23 || digits(text, 14, 2) > 59 || digits(text, 17, 2) > 59) return false;
  const offset = offsetMinutes(text);
  if (offset === null) return false;
  if (year > 1 && year < 9999) return true;
  // Only in the first and the last year an offset can lead out of the range.
  const ticks = toTicks(text);
  return ticks >= 0n && ticks <= MAX_TICKS;
}

/** A timestamp's instant in 100 ns steps since 0001-01-01T00:00:00Z (.NET's DateTime.Ticks, in UTC). */
export function toTicks(text: string): bigint {
  const zoneAt = zoneStart(text);
  const local = UNIX_EPOCH_TICKS + BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * TICKS_PER_MS;
  const fraction = BigInt(text.slice(20, zoneAt).padEnd(7, '0'));
  return local + fraction - BigInt(offsetMinutes(text) ?? 0) * TICKS_PER_MINUTE;
}

/** The number written at `start`. */
function digits(text: string, start: number, length: number): number {
  let number = 0;
  for (let at = start; at < start + length; at += 1) number = number * 10 + text.charCodeAt(at) - 48;
  return number;
}

function daysOfMonth(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2) return isLeap ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Whether one timestamp's instant is before another's, to 100 ns and whatever their offsets. */
export function isEarlier(text: string, other: string): boolean {
  // With one offset their order is that of their texts, up to the fraction.
  const isOfOneZone = text.slice(zoneStart(text)) === other.slice(zoneStart(other));
  const [toSecond, otherToSecond] = [text.slice(0, 19), other.slice(0, 19)];
  if (isOfOneZone && toSecond !== otherToSecond) return toSecond < otherToSecond;
  return toTicks(text) < toTicks(other);
}

/** Milliseconds since 1970 as the contract writes a UTC instant: up to 7 fraction digits, trailing zeros trimmed. */
export function formatTimestamp(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  // Rounded, as 1.001 ms is stored as slightly less than 10 ticks; clamped, so that it never carries into the milliseconds.
  const ticks = Math.min(Math.round((epochMs - wholeMs) * 10_000), 9_999);
  const untilMs = new Date(wholeMs).toISOString().slice(0, -1);
  return `${`${untilMs}${String(ticks).padStart(4, '0')}`.replace(/\.?0+$/, '')}+00:00`;
}

function zoneStart(text: string): number {
  return text.endsWith('Z') ? text.length - 1 : text.length - 6;
}

/** Null where no place on earth has it. */
function offsetMinutes(text: string): number | null {
  if (text.endsWith('Z')) return 0;
  const at = zoneStart(text);
  const minutes = digits(text, at + 4, 2);
  const total = digits(text, at + 1, 2) * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) return null;
  return text[at] === '-' ? -total : total;
}
