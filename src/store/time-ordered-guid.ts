import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const GUID_BYTES = 16;
/** To ask for as many bytes at once costs little more than to ask for one GUID's. */
const random = new Uint8Array(256 * GUID_BYTES);
let used = random.length;
let msecs = 0;
let seq = 0;

/** A new GUID (version 7 of RFC 9562), greater than all that this process has made before. */
export function createTimeOrderedGuid(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const bytes = random.subarray(used, used + GUID_BYTES);
  used += GUID_BYTES;
  const nowMs = Date.now();
  if (nowMs > msecs) {
    msecs = nowMs;
    seq = firstOf(bytes);
  } else {
    seq = (seq + 1) | 0;
    if (seq === 0) msecs += 1;
  }
  return v7({ random: bytes, msecs, seq });
}

/** The text that sorts before the GUIDs made from this millisecond on, and behind all that were made earlier. */
export function toGuidPrefix(epochMs: number): string {
  const hex = Math.max(0, epochMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** Where a millisecond's sequence starts: at random, with room for two thousand million more. */
function firstOf([, , , , , , a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
