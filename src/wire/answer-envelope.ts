import { DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';

/** The envelope as the endpoint answers with it. */
export interface AnswerEnvelope {
  readonly Error: { readonly ErrorCode: string | null; readonly ErrorReason: string | null } | null;
  readonly ResponseData: {
    readonly Identification: { readonly UserId: string | null } | null;
    readonly Result: string | null;
    readonly Detail: JsonObject | null;
  } | null;
}

const FIELD_NAMES: ReadonlySet<string> = new Set(Object.keys(DETAIL_FIELDS));
/** Every known field, in the contract's order. */
const NOTHING_GIVEN: JsonObject = Object.fromEntries([...FIELD_NAMES].map((name) => [name, null]));

/** A Detail with every known field in the contract's order, null where it is absent, then the others in their own. */
export function detailInOrder(
  detail: JsonObject,
  toField: (field: DetailField, value: JsonValue) => JsonValue = (_, value) => value,
): JsonObject {
  const ordered: Record<string, JsonValue | undefined> = { ...NOTHING_GIVEN };
  for (const name of Object.keys(detail)) {
    const value = detail[name];
    ordered[name] = FIELD_NAMES.has(name) ? toField(name as DetailField, value ?? null) : value;
  }
  return ordered;
}
