import { DETAIL_FIELDS, type DetailField } from '../contract/account-task.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';

/** The envelope as the endpoint answers with it. */
export interface Answer {
  readonly Error: { readonly ErrorCode: string | null; readonly ErrorReason: string | null } | null;
  readonly ResponseData: {
    readonly Identification: { readonly UserId: string | null } | null;
    readonly Result: string | null;
    readonly Detail: JsonObject | null;
  } | null;
}

const FIELD_NAMES = Object.keys(DETAIL_FIELDS) as readonly DetailField[];

/** A Detail with every known field in the contract's order, null where it is absent, then the others in their own. */
export function detailInOrder(
  detail: JsonObject,
  toField: (field: DetailField, value: JsonValue) => JsonValue = (_, value) => value,
): JsonObject {
  const ordered: Record<string, JsonValue | undefined> = {};
  for (const field of FIELD_NAMES) {
    ordered[field] = Object.hasOwn(detail, field) ? toField(field, detail[field] ?? null) : null;
  }
  for (const name of Object.keys(detail)) {
    if (!Object.hasOwn(ordered, name)) ordered[name] = detail[name];
  }
  return ordered;
}
