import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const GUID_BYTES = 16;
/** Filling it costs little more than asking for the bytes of one GUID. */
const random = new Uint8Array(256 * GUID_BYTES);
let used = random.length;
let msecs = 0;
let seq = 0;

/** Creates a GUID (version 7 of RFC 9562) that sorts after all earlier ones of this process. */
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
    seq = toSequenceStart(bytes);
  } else {
    seq = (seq + 1) | 0;
    if (seq === 0) msecs += 1;
  }
  return v7({ random: bytes, msecs, seq });
}

/** Returns a text that sorts before the GUIDs created from this millisecond on, and after all earlier ones. */
export function toGuidPrefix(epochMs: number): string {
  const hex = Math.max(0, epochMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** A random start for a millisecond's sequence, with room for two billion more. */
function toSequenceStart([, , , , , , a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
