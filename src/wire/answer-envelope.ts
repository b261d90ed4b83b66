import { DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';

/** ResponseOfAccountTaskResponse as this gateway writes it on its REST endpoint; json.ts and xml.ts encode it. */
export interface AnswerEnvelope {
  readonly Error: { readonly ErrorCode: string | null; readonly ErrorReason: string | null } | null;
  readonly ResponseData: {
    readonly Identification: { readonly UserId: string | null } | null;
    readonly Result: string | null;
    readonly Detail: JsonObject | null;
  } | null;
}

const FIELD_NAMES: ReadonlySet<string> = new Set(Object.keys(DETAIL_FIELDS));
/** Every known field as null, in the contract's order. */
const NULL_FIELDS: JsonObject = Object.fromEntries([...FIELD_NAMES].map((name) => [name, null]));

/** Returns a Detail with the known fields first, in the contract's order and null if missing, then the unknown fields. */
export function detailInOrder(
  detail: JsonObject,
  toField: (field: DetailField, value: JsonValue) => JsonValue = (_, value) => value,
): JsonObject {
  const ordered: Record<string, JsonValue | undefined> = { ...NULL_FIELDS };
  for (const name of Object.keys(detail)) {
    const value = detail[name];
    ordered[name] = FIELD_NAMES.has(name) ? toField(name as DetailField, value ?? null) : value;
  }
  return ordered;
}
