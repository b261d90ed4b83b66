/** A JSON value; a number whose digits a double would lose is kept as the object `JSON.rawJSON` makes of its text. */
export type JsonValue = string | number | boolean | null | RawNumber | JsonObject | readonly JsonValue[];
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}
/** A number's own digits (`JSON.rawJSON`); `JSON.stringify` writes them as they came. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** The parts of JSON that hold a number's digits, which TypeScript does not declare yet. */
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (name: string, value: JsonValue, context: { readonly source?: string }) => JsonValue,
  ): JsonValue;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** `JSON.parse`, but a number whose digits a double does not give back is a raw number. */
export function parseJsonKeepingDigits(text: string): JsonValue {
  return json.parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value,
  );
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The member called `name`, else the one that differs from it only in case (as the framework reads JSON names). */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lowerCase = name.toLowerCase();
  const other = Object.keys(object).find((key) => key.toLowerCase() === lowerCase);
  return other === undefined ? undefined : object[other];
}

export function isRawNumber(value: JsonValue): value is RawNumber {
  return json.isRawJSON(value);
}
