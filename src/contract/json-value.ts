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
