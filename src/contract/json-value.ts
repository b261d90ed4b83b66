/** A JSON value; a number whose digits a double would lose is kept as the object `JSON.rawJSON` makes of its text. */
export type JsonValue = string | number | boolean | null | RawNumber | JsonObject | readonly JsonValue[];
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}
/** A number's own digits (`JSON.rawJSON`); `JSON.stringify` writes them as they came. */
export interface RawNumber {
  readonly rawJSON: string;
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
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);
}
