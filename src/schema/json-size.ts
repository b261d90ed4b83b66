import { isRawNumber, type JsonValue } from '../contract/json-value.ts';

/** Shorter texts are not examined: each character counts as the longest escape, \u0000. */
const SHORT = 64;
const ESCAPE = 6;
/** The maximum length of a number, boolean or null. */
const SCALAR = 32;
/** The bytes of each UTF-16 unit in JSON; a surrogate counts as half of its pair. */
const UNIT_BYTES = Uint8Array.from({ length: 65_536 }, (_, unit) => {
  if (unit >= 0xd800 && unit <= 0xdfff) return 2;
  if (unit >= 0x800) return 3;
  return unit >= 0x80 ? 2 : JSON.stringify(String.fromCharCode(unit)).length - 2;
});

/** The size of a value as JSON in UTF-8, in bytes. Never too low; exact for long texts, too high for short ones. */
export function jsonSize(value: unknown): number {
  if (typeof value === 'string') return textSize(value);
  if (typeof value !== 'object' || value === null) return SCALAR;
  if (isRawNumber(value as JsonValue)) return (value as { readonly rawJSON: string }).rawJSON.length;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += jsonSize(item) + 1;
  } else {
    for (const [name, item] of Object.entries(value)) bytes += textSize(name) + jsonSize(item) + 2;
  }
  return bytes;
}

function textSize(text: string): number {
  // An unpaired surrogate is written as an escape.
  if (text.length <= SHORT || !text.isWellFormed()) return ESCAPE * text.length + 2;
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) bytes += UNIT_BYTES[text.charCodeAt(at)] ?? 0;
  return bytes;
}
