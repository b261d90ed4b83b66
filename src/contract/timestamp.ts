const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)$/;

/** What `parseTimestamp` takes, in words for an error message. */
export const TIMESTAMP_FORM =
  'an ISO 8601 timestamp with Z or an offset and at most 7 fraction digits, such as 2026-02-22T04:10:00.9543747+00:00';

const TICKS_PER_MS = 10_000n;
const TICKS_PER_MINUTE = 600_000_000n;
/** Ticks from 0001-01-01T00:00:00Z, where .NET counts from, to 1970-01-01T00:00:00Z. */
const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;
const MAX_TICKS = 3_155_378_975_999_999_999n;
const MAX_OFFSET_MINUTES = 14 * 60;

/** An instant with the text it came in: the text travels, the ticks compare. */
export interface Timestamp {
  /** Exactly as given. */
  readonly text: string;
  /** 100 ns steps since 0001-01-01T00:00:00Z (.NET's DateTime.Ticks, in UTC). */
  readonly ticks: bigint;
}

/** A timestamp of years 0001 to 9999 (.NET's range); null when it is none, or names a day or time that does not exist. */
export function parseTimestamp(text: string): Timestamp | null {
  const match = SHAPE.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match as unknown as [string, ...string[]];
  const offsetMinutes = parseOffset(zone as string);
  if (offsetMinutes === null) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const asWritten = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  // A day or time that does not exist (February 30, 24:00) rolls over and no longer reads as written.
  if (year === '0000' || date.toISOString() !== asWritten) return null;
  const local = UNIX_EPOCH_TICKS + BigInt(date.getTime()) * TICKS_PER_MS + BigInt(fraction.padEnd(7, '0'));
  const ticks = local - BigInt(offsetMinutes) * TICKS_PER_MINUTE;
  return ticks < 0n || ticks > MAX_TICKS ? null : { text, ticks };
}

/** Negative, zero or positive as `a` is before, at or after `b`, to 100 ns and whatever their offsets. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  if (a.ticks === b.ticks) return 0;
  return a.ticks < b.ticks ? -1 : 1;
}

/** Milliseconds since 1970 as the contract writes a UTC instant: up to 7 fraction digits, trailing zeros trimmed. */
export function formatTimestamp(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  // Rounded, as 1.001 ms is stored as slightly less than 10 ticks; clamped, so that it never carries into the milliseconds.
  const ticks = Math.min(Math.round((epochMs - wholeMs) * 10_000), 9_999);
  const untilMs = new Date(wholeMs).toISOString().slice(0, -1);
  return `${`${untilMs}${String(ticks).padStart(4, '0')}`.replace(/\.?0+$/, '')}+00:00`;
}

function parseOffset(zone: string): number | null {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(4));
  const total = Number(zone.slice(1, 3)) * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) return null;
  return zone.startsWith('-') ? -total : total;
}
