const SHAPE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)$/;
const TICKS_PER_MS = 10_000n;

/**
 * A DateTime as 100 ns steps since 1970, whatever its offset. JavaScript's Date takes two that are less than a millisecond apart
 * for one, a number cannot hold all the digits, and as texts they do not sort. @throws RangeError for what is no timestamp
 */
export function toTicks(timestamp: string): bigint {
  const ticks = parseTicks(timestamp);
  if (ticks === null) throw new RangeError(`Not a timestamp with an offset: ${timestamp}`);
  return ticks;
}

/** The same for text that a person wrote: null for what is no timestamp. */
export function parseTicks(text: string): bigint | null {
  const [, wholeSeconds, fraction = '', offset] = SHAPE.exec(text) ?? [];
  const epochMs = Date.parse(`${wholeSeconds}${offset}`);
  if (Number.isNaN(epochMs)) return null;
  return BigInt(epochMs) * TICKS_PER_MS + BigInt(fraction.padEnd(7, '0'));
}

/** Negative, zero or positive as `a` is before, at or after `b`: for `sort`, and for all other comparisons. */
export function compareTimestamps(a: string, b: string): number {
  const difference = toTicks(a) - toTicks(b);
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}
