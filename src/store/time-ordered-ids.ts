import { randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const SEQUENCES = 2 ** 31;
let last = { msecs: 0, seq: 0 };

/**
 * Creates a UUID of version 7 for a time in milliseconds since 1970. It sorts after those that this process created before for
 * the same millisecond.
 */
export function createTimeOrderedId(epochMs: number): string {
  last = { msecs: epochMs, seq: epochMs === last.msecs ? last.seq + 1 : randomInt(SEQUENCES) };
  return uuidv7(last);
}

/** Returns a text that sorts before the UUIDs (version 7) created from this millisecond on, and after all earlier ones. */
export function toIdPrefix(epochMs: number): string {
  const hex = Math.max(0, epochMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
