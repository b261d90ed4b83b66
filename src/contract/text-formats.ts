/** The formats of the texts in the contract: GUIDs, Parameters and timestamps. */
import { syntaxErrorPlace } from './json-value.ts';

const HEX = '[0-9a-fA-F]';
const HYPHENATED = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;
/** A GUID in one of .NET's formats N, D, B or P. */
export const GUID_PATTERN = `^(?:${HEX}{32}|${HYPHENATED}|\\{${HYPHENATED}\\}|\\(${HYPHENATED}\\))$`;
const GUID = new RegExp(GUID_PATTERN);
const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The formats that `parseGuid` accepts, for error messages. */
export const GUID_FORMS = 'a GUID: 32 hexadecimal digits, plain, hyphenated, or hyphenated in {} or ()';

/** The all-zero GUID, which .NET writes for a GUID that was never set. */
export const EMPTY_GUID = '00000000-0000-0000-0000-000000000000';

/**
 * Parses a GUID in one of .NET's formats N, D, B or P, in any case, as ASP.NET Web API 2 does. Blanks around it are not accepted.
 * Returns it hyphenated and lower-case; null if the text is not a GUID.
 */
export function parseGuid(text: string): string | null {
  if (CANONICAL.test(text)) return text;
  if (!GUID.test(text)) return null;
  const plain = text.replace(/[-{}()]/g, '').toLowerCase();
  return plain.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The formats of Parameters. The contract says of ContentType: "Must either be application/xml or application/json." */
export const CONTENT_TYPES = ['application/json', 'application/xml'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

const NOT_IN_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Returns why a text is not a well-formed XML document, for the caller; null if it is one. */
export type XmlChecker = (text: string) => string | null;

/**
 * Returns why `text` does not parse as its ContentType, for the caller; null if it does. This check is the gateway's own: the
 * contract only names the two formats.
 */
export function parametersProblem(text: string, contentType: ContentType, xmlProblem: XmlChecker): string | null {
  if (!text.isWellFormed()) return 'contains an unpaired surrogate, which no encoding can carry';
  if (contentType === 'application/xml') {
    const problem = xmlProblem(text);
    return problem && `is not well-formed XML although contentType is application/xml: ${problem}`;
  }
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `is not JSON although contentType is application/json${syntaxErrorPlace(error as SyntaxError)}`;
  }
}

/** The first character of `text` that XML 1.0 cannot carry, written as `U+FFFE`; null if it can carry all of them. */
export function characterNotInXml(text: string): string | null {
  const [character] = text.match(NOT_IN_XML) ?? [];
  return character === undefined ? null : `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Replaces every character that XML 1.0 cannot carry with U+FFFD. */
export function replaceCharactersNotInXml(text: string): string {
  return text.replace(NOT_IN_XML, '\uFFFD');
}

const SHAPE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:\d\d)$/;

/** The format that `isTimestamp` accepts, for error messages. */
export const TIMESTAMP_FORM =
  'an ISO 8601 timestamp with Z or an offset and at most 7 fraction digits, such as 2026-02-22T04:10:00.9543747+00:00';

const TICKS_PER_MS = 10_000n;
const TICKS_PER_MINUTE = 600_000_000n;
/** Ticks from 0001-01-01T00:00:00Z, .NET's epoch, to 1970-01-01T00:00:00Z. */
const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;
const MAX_TICKS = 3_155_378_975_999_999_999n;
const MAX_OFFSET_MINUTES = 14 * 60;

/**
 * True for an ISO 8601 timestamp with Z or an offset whose instant is in .NET's range, years 0001 to 9999 in UTC.
 * False if the day or the time of day does not exist.
 */
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
  // Only in the first and the last year can an offset move the instant out of range.
  const ticks = toTicks(text);
  return ticks >= 0n && ticks <= MAX_TICKS;
}

/** The instant of a valid timestamp, as .NET's DateTime.Ticks in UTC: units of 100 ns since 0001-01-01T00:00:00Z. */
export function toTicks(text: string): bigint {
  const zoneAt = zoneStart(text);
  const local = UNIX_EPOCH_TICKS + BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * TICKS_PER_MS;
  const fraction = BigInt(text.slice(20, zoneAt).padEnd(7, '0'));
  return local + fraction - BigInt(offsetMinutes(text) ?? 0) * TICKS_PER_MINUTE;
}

/** The number at `start`. */
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

/** True if the instant of one valid timestamp is before that of another, compared to 100 ns; their offsets may differ. */
export function isEarlier(text: string, other: string): boolean {
  // With the same offset, the texts up to the second sort like the instants.
  const hasSameOffset = text.slice(zoneStart(text)) === other.slice(zoneStart(other));
  const [toSecond, otherToSecond] = [text.slice(0, 19), other.slice(0, 19)];
  if (hasSameOffset && toSecond !== otherToSecond) return toSecond < otherToSecond;
  return toTicks(text) < toTicks(other);
}

/**
 * Formats milliseconds since 1970 as the contract's samples do: offset +00:00, up to 7 fraction digits, trailing zeros trimmed.
 * Fractions of a millisecond count to 100 ns. Such texts sort by time.
 */
export function formatTimestamp(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  // Rounded, since a double stores 1.001 ms as slightly less than 10 ticks; clamped, so that it never carries into the milliseconds.
  return formatTicks(wholeMs, Math.min(Math.round((epochMs - wholeMs) * 10_000), 9_999));
}

/** Formats the instant of a valid timestamp as `formatTimestamp` does. */
export function toUtc(text: string): string {
  return formatTicks(toEpochMs(text), Number(toTicks(text) % TICKS_PER_MS));
}

/** The instant of a valid timestamp in milliseconds since 1970, rounded down. */
export function toEpochMs(text: string): number {
  return Number(toTicks(text) / TICKS_PER_MS - UNIX_EPOCH_TICKS / TICKS_PER_MS);
}

/** Returns the instant 100 ns after a timestamp, in the form of `formatTimestamp`. */
export function nextTick(text: string): string {
  const next = toTicks(text) + 1n - UNIX_EPOCH_TICKS;
  return formatTicks(Number(next / TICKS_PER_MS), Number(next % TICKS_PER_MS));
}

function formatTicks(wholeMs: number, ticks: number): string {
  const toMs = new Date(wholeMs).toISOString().slice(0, -1);
  return `${`${toMs}${String(ticks).padStart(4, '0')}`.replace(/\.?0+$/, '')}+00:00`;
}

function zoneStart(text: string): number {
  return text.endsWith('Z') ? text.length - 1 : text.length - 6;
}

/** The offset in minutes; null if it is more than 14 hours, .NET's limit. */
function offsetMinutes(text: string): number | null {
  if (text.endsWith('Z')) return 0;
  const at = zoneStart(text);
  const minutes = digits(text, at + 4, 2);
  const total = digits(text, at + 1, 2) * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) return null;
  return text[at] === '-' ? -total : total;
}
