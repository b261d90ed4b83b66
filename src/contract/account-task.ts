import { parseGuid, EMPTY_GUID } from './guid.ts';
import { isRawNumber, type JsonObject, type JsonValue, member, type RawNumber } from './json-value.ts';
import type { ContentType } from './parameters.ts';

/** AccountTaskRequest: what a caller asks for, already checked. */
export interface NewAccountTask {
  /** Hyphenated, lower-case. */
  readonly TaskID: string;
  /** A member's name. */
  readonly Frequency: string;
  /** A timestamp's text, exactly as given; null when not given. */
  readonly StartDate: string | null;
  readonly FinishDate: string | null;
  /** Opaque text, exactly as given. */
  readonly Parameters: string;
  readonly ContentType: ContentType;
  /** A member's name; null when not given. */
  readonly Notification: string | null;
}

/** The fields of the contract's AccountTaskResponse (`Detail`), in its order, and what each holds on the wire. */
export const DETAIL_FIELDS = {
  ID: 'guid',
  TaskID: 'guid',
  Name: 'text',
  Enabled: 'boolean',
  Frequency: 'enum',
  StartDate: 'date',
  FinishDate: 'date',
  Parameters: 'text',
  ContentType: 'text',
  Notification: 'enum',
  DateCreated: 'date',
  DateModified: 'date',
  LastRunOn: 'date',
  LastRunBy: 'text',
  LastModifiedBy: 'text',
  Status: 'text',
  ClientID: 'guid',
} as const;
export type DetailField = keyof typeof DETAIL_FIELDS;
type DetailKind = (typeof DETAIL_FIELDS)[DetailField];
const FIELD_NAMES = Object.keys(DETAIL_FIELDS) as readonly DetailField[];
const KINDS: ReadonlyMap<string, DetailKind> = new Map(Object.entries(DETAIL_FIELDS));

/** The known fields of a Detail, each null or absent where the service gave nothing. */
export type DetailFields = {
  readonly [Field in DetailField]?: (typeof DETAIL_FIELDS)[Field] extends 'boolean'
    ? boolean | null
    : (typeof DETAIL_FIELDS)[Field] extends 'enum'
      ? string | number | RawNumber | null
      : string | null;
};

/** AccountTaskResponse: a task as the service or our store gave it. */
export interface AccountTask {
  /** Hyphenated, lower-case. */
  readonly ID: string;
  readonly TaskID: string;
  readonly ClientID: string | null;
  /** The known fields, of the right types, texts exactly as given. */
  readonly fields: DetailFields;
  /** The Detail exactly as given: every field, known or not. */
  readonly detail: JsonObject;
}

/** What a create gives back (`ResponseData`). */
export interface CreatedAccountTask {
  readonly accountTask: AccountTask;
  readonly Identification: { readonly UserId: string | null } | null;
  readonly Result: string | null;
  /** True when an earlier result with the same idempotency key is given again. */
  readonly replayed: boolean;
}

/** A value that is not what the contract says, and where it stands (`ResponseData.Detail.ID`). */
export interface Misread {
  readonly at: string;
  readonly problem: string;
}

/** Reads a Detail; a value of the wrong type, or no ID or TaskID, is a misread and never a null. */
export function readAccountTask(detail: JsonObject, at: string): AccountTask | Misread {
  const fields = isInContractsWords(detail) ? detail : toKnownFields(detail);
  const misread = fields === detail ? null : findMisread(fields, at);
  if (misread) return misread;
  const { ID, TaskID, ClientID } = fields as DetailFields;
  const id = toGuid(ID);
  const taskId = toGuid(TaskID);
  const clientId = toGuid(ClientID);
  if (id === null || taskId === null || clientId === null) {
    const noGuid = findMisread(fields, at);
    if (noGuid) return noGuid;
  }
  // The all-zero GUID is what .NET writes for an ID that nobody set: no task stands behind it.
  if (id === null || id === EMPTY_GUID) return { at: `${at}.ID`, problem: 'is missing' };
  if (taskId === null) return { at: `${at}.TaskID`, problem: 'is missing' };
  return { ID: id, TaskID: taskId, ClientID: clientId, fields, detail };
}

/** Whether every known field is there by the contract's own name and is of its type, GUIDs being texts, as with most answers; one pass tells. */
function isInContractsWords(detail: JsonObject): boolean {
  let known = 0;
  for (const name of Object.keys(detail)) {
    const kind = KINDS.get(name);
    if (kind === undefined) continue;
    if (typeProblem(kind, detail[name]) !== null) return false;
    known += 1;
  }
  return known === KINDS.size;
}

/** A copy that uses the contract's names. */
function toKnownFields(detail: JsonObject): JsonObject {
  return Object.fromEntries(FIELD_NAMES.map((field) => [field, member(detail, field) ?? null]));
}

/** The first field, in the contract's order, that does not hold what it should. */
function findMisread(fields: JsonObject, at: string): Misread | null {
  for (const field of FIELD_NAMES) {
    const kind = DETAIL_FIELDS[field];
    const value = fields[field];
    const problem = typeProblem(kind, value) ?? (kind === 'guid' ? guidProblem(value) : null);
    if (problem) return { at: `${at}.${field}`, problem };
  }
  return null;
}

function typeProblem(kind: DetailKind, value: JsonValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (kind === 'boolean') return typeof value === 'boolean' ? null : 'is not true or false';
  if (kind === 'enum' && (typeof value === 'number' || isRawNumber(value))) return null;
  return typeof value === 'string' ? null : 'is not text';
}

function guidProblem(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value.trim() === '') return null;
  return parseGuid(value.trim()) === null ? 'is not a GUID' : null;
}

function toGuid(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : parseGuid(value.trim());
}
