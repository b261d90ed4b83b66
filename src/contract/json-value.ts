/** A JSON value. A number that a double cannot represent exactly is kept as a `RawNumber`. */
export type JsonValue = string | number | boolean | null | RawNumber | JsonObject | readonly JsonValue[];
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}
/** The result of `JSON.rawJSON` for a number; `JSON.stringify` writes its digits unchanged. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** The JSON functions that keep a number's digits; TypeScript does not declare them yet. */
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (name: string, value: JsonValue, context: { readonly source?: string }) => JsonValue,
  ): JsonValue;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** Parses JSON like `JSON.parse`, but keeps a number as a `RawNumber` where a double would print other digits. */
export function parseJsonKeepingDigits(text: string): JsonValue {
  return json.parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value,
  );
}

/**
 * Tells where a text stops being JSON, as `: syntax error at character 1`; empty if the engine does not say. The rest of its
 * message quotes the text, which must not reach the log.
 */
export function syntaxErrorPlace({ message }: SyntaxError): string {
  const [, position] = /at position (\d+)/.exec(message) ?? [];
  return position === undefined ? '' : `: syntax error at character ${Number(position) + 1}`;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The member called `name`, else one whose name differs only in case, which is how ASP.NET Web API 2 reads JSON. */
export function jsonMember(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lowerCase = name.toLowerCase();
  const other = Object.keys(object).find((key) => key.toLowerCase() === lowerCase);
  return other === undefined ? undefined : object[other];
}

/** True for a missing value. An XML element without content is read as the blank text between its tags. */
export function isAbsent(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

export function isRawNumber(value: JsonValue): value is RawNumber {
  return json.isRawJSON(value);
}

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
