import { parseGuid, EMPTY_GUID, type ContentType } from './text-formats.ts';
import { isRawNumber, jsonMember, type JsonObject, type JsonValue, type RawNumber } from './json-value.ts';

/** AccountTaskRequest: a task to register, already validated. */
export interface NewAccountTask {
  /** Hyphenated, lower-case. */
  readonly TaskID: string;
  /** The name of a Task.Frequency member. */
  readonly Frequency: string;
  /** A timestamp with an offset, exactly as given; null if not given. */
  readonly StartDate: string | null;
  readonly FinishDate: string | null;
  /** Opaque text, exactly as given. */
  readonly Parameters: string;
  readonly ContentType: ContentType;
  /** The name of a Task.TaskNotification member; null if not given. */
  readonly Notification: string | null;
}

/** The fields of AccountTaskResponse (`Detail`) in the contract's order, each with its kind of value on the wire. */
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
export type DetailKind = (typeof DETAIL_FIELDS)[DetailField];
const FIELD_NAMES = Object.keys(DETAIL_FIELDS) as readonly DetailField[];
const KINDS: ReadonlyMap<string, DetailKind> = new Map(Object.entries(DETAIL_FIELDS));

/** The known fields of a Detail; null or absent if the service gave no value. */
export type DetailFields = {
  readonly [Field in DetailField]?: (typeof DETAIL_FIELDS)[Field] extends 'boolean'
    ? boolean | null
    : (typeof DETAIL_FIELDS)[Field] extends 'enum'
      ? string | number | RawNumber | null
      : string | null;
};

/** AccountTaskResponse: a registered task as the service or our store returned it. */
export interface AccountTask {
  /** Hyphenated, lower-case. */
  readonly ID: string;
  readonly TaskID: string;
  readonly ClientID: string | null;
  /** The known fields by the contract's names, type-checked; strings exactly as returned. */
  readonly fields: DetailFields;
  /** The Detail exactly as returned, unknown fields included. */
  readonly detail: JsonObject;
  /** An ISO timestamp: when the service last showed this task to the gateway. Null in the store, and if no record says so. */
  readonly recordedAt: string | null;
}

/** The result of a create (`ResponseData`). */
export interface CreatedAccountTask {
  readonly accountTask: AccountTask;
  readonly Identification: { readonly UserId: string | null } | null;
  readonly Result: string | null;
  /** True if this is the stored result of an earlier create with the same idempotency key. */
  readonly replayed: boolean;
}

/** AccountTaskUpdateRequest for one registered task. The update replaces every field. */
export interface TaskUpdate {
  /** The ID of the registered task: hyphenated, lower-case. */
  readonly id: string;
  readonly enabled: boolean;
  readonly task: NewAccountTask;
  /** The DateModified that the task must have, exact to 100 ns; null to update it in any case. */
  readonly ifModified: string | null;
}

/** The result of an update. */
export interface UpdatedAccountTask extends Pick<CreatedAccountTask, 'Identification' | 'Result'> {
  /** Null if the service's answer does not show the task; what it contains is not documented. */
  readonly accountTask: AccountTask | null;
}

/** A registered task to run now. */
export interface RunOrder {
  /** The ID of the registered task: hyphenated, lower-case. */
  readonly id: string;
}

/** The result of a run that was started. */
export type StartedRun = Pick<CreatedAccountTask, 'Identification' | 'Result' | 'replayed'>;

/** ClientRequest: a client to add, already validated. */
export interface ClientOrder {
  /** 1 to 18 characters. */
  readonly Name: string;
  /** The account: hyphenated, lower-case. */
  readonly UserID: string;
  /** At most 50 characters; null to have one made. */
  readonly Secret: string | null;
}

/** The result of adding a client. */
export interface CreatedClient {
  /** Hyphenated, lower-case. */
  readonly ID: string;
  readonly Name: string | null;
  /** Shown only here. The one that was sent if the service did not return it; null if there is neither. */
  readonly Secret: string | null;
  /** The Detail exactly as returned, unknown fields included. */
  readonly detail: JsonObject;
}

/** A value that breaks the contract. `at` and `problem` form a sentence: "ResponseData.Detail.ID is missing". */
export interface ReadProblem {
  /** The path of the value, such as `ResponseData.Detail.ID`. */
  readonly at: string;
  readonly problem: string;
}

/**
 * Reads a Detail from the service or from our store. Field names may differ in case; GUIDs become hyphenated and lower-case.
 * Returns a problem, never a null, for a value of the wrong type or a missing ID or TaskID.
 * @param at The path of the Detail, for the problem.
 */
export function readAccountTask(detail: JsonObject, at: string): AccountTask | ReadProblem {
  const fields = hasContractNamesAndTypes(detail) ? detail : toKnownFields(detail);
  const typeMismatch = fields === detail ? null : findProblem(fields, at);
  if (typeMismatch) return typeMismatch;
  const { ID, TaskID, ClientID } = fields as DetailFields;
  const id = toGuid(ID);
  const taskId = toGuid(TaskID);
  const clientId = toGuid(ClientID);
  if (id === null || taskId === null || clientId === null) {
    const invalidGuid = findProblem(fields, at);
    if (invalidGuid) return invalidGuid;
  }
  // .NET writes the all-zero GUID for an ID that was never set, so it identifies no task.
  if (id === null || id === EMPTY_GUID) return { at: `${at}.ID`, problem: 'is missing' };
  if (taskId === null) return { at: `${at}.TaskID`, problem: 'is missing' };
  return { ID: id, TaskID: taskId, ClientID: clientId, fields, detail, recordedAt: null };
}

/** True if every known field is present under its exact name and has its type; GUIDs count as text. Most answers pass. */
function hasContractNamesAndTypes(detail: JsonObject): boolean {
  let known = 0;
  for (const name of Object.keys(detail)) {
    const kind = KINDS.get(name);
    if (kind === undefined) continue;
    if (typeProblem(kind, detail[name]) !== null) return false;
    known += 1;
  }
  return known === KINDS.size;
}

/** A copy with the known fields only, under the contract's names. */
function toKnownFields(detail: JsonObject): JsonObject {
  return Object.fromEntries(FIELD_NAMES.map((field) => [field, jsonMember(detail, field) ?? null]));
}

/** The problem of the first invalid field in the contract's order. */
function findProblem(fields: JsonObject, at: string): ReadProblem | null {
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
