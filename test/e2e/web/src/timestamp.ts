const SHAPE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)$/;
const TICKS_PER_MS = 10_000n;

/**
 * Returns a DateTime as 100 ns steps since 1970. A JavaScript Date drops digits below a millisecond, a number cannot hold
 * all digits, and texts do not sort across offsets. @throws RangeError if the text is not a timestamp
 */
export function toTicks(timestamp: string): bigint {
  const ticks = parseTicks(timestamp);
  if (ticks === null) throw new RangeError(`Not a timestamp with an offset: ${timestamp}`);
  return ticks;
}

/** Like `toTicks`, for text that a person wrote: null if it is not a timestamp. */
export function parseTicks(text: string): bigint | null {
  const [, wholeSeconds, fraction = '', offset] = SHAPE.exec(text) ?? [];
  const epochMs = Date.parse(`${wholeSeconds}${offset}`);
  if (Number.isNaN(epochMs)) return null;
  return BigInt(epochMs) * TICKS_PER_MS + BigInt(fraction.padEnd(7, '0'));
}

/** Compares two timestamps for `sort`: negative, zero or positive as `a` is before, at or after `b`. */
export function compareTimestamps(a: string, b: string): number {
  const difference = toTicks(a) - toTicks(b);
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}
