import type { ReadProblem, NewAccountTask } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';
import { CONTENT_TYPES } from '../contract/parameters.ts';
import { isTimestamp, TIMESTAMP_FORM } from '../contract/timestamp.ts';
import { withoutAttributes } from './xml-document.ts';

type RequestField = keyof NewAccountTask;

/** An invalid field of a request, with an explanation for the caller. */
export interface FieldProblem extends ReadProblem {
  readonly at: RequestField;
  /** `missing`: no value. `invalid`: not a value of the field's type. `refused`: of the right type, but not allowed in a task. */
  readonly kind: 'missing' | 'invalid' | 'refused';
  /** The value if it is a string, else null. */
  readonly given: string | null;
}

type Fault = Pick<FieldProblem, 'kind' | 'problem'>;
type Reader = (value: JsonValue) => string | Fault;
type Task = NewAccountTask | readonly FieldProblem[];

const REQUIRED: ReadonlySet<RequestField> = new Set(['TaskID', 'Frequency', 'Parameters', 'ContentType']);
/** The fields whose null counts as absent. The types of the other fields have no null. */
const NULLABLE: ReadonlySet<RequestField> = new Set(['StartDate', 'FinishDate', 'Parameters', 'ContentType']);
const MISSING: Fault = { kind: 'missing', problem: 'is required' };

/** An ISO 8601 date without an offset, or with too few or too many digits. ASP.NET Web API 2 accepts it by guessing the rest. */
const INEXACT_DATE =
  /^\d{4}-(?:0\d|1[0-2])-[0-3]\d(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/;
const INTEGER = /^[+-]?\d+$/;

/** Reads an AccountTaskRequest from JSON or a form: names in any case, unknown ones ignored, the last of equal names counts. */
export function fromMembers(
  members: readonly (readonly [name: string, value: JsonValue | undefined])[],
  tables: EnumTables,
): Task {
  const values = new Map(members.map(([name, value]) => [name.toLowerCase(), value]));
  return readTask(tables, memberReader, (field) => {
    const value = values.get(field.toLowerCase());
    if (field === 'FinishDate' && value === '') return undefined;
    return value === null && NULLABLE.has(field) ? undefined : value;
  });
}

/** Reads an AccountTaskRequest from XML: exact names, also of enum members, unknown ones ignored, the first of equal names counts. */
export function fromElements(request: JsonObject, tables: EnumTables): Task {
  return readTask(tables, nameReader, (field) => {
    const value = Object.hasOwn(request, field) ? (request[field] ?? null) : null;
    return withoutAttributes(Array.isArray(value) ? (value[0] as JsonValue) : value) ?? undefined;
  });
}

function readTask(
  { frequencies, notifications }: EnumTables,
  toReader: (table: EnumTable) => Reader,
  given: (field: RequestField) => JsonValue | undefined,
): Task {
  const readers: Readonly<Record<RequestField, Reader>> = {
    TaskID: readGuid,
    Frequency: toReader(frequencies),
    StartDate: readTimestamp,
    FinishDate: readTimestamp,
    Parameters: readText,
    ContentType: readContentType,
    Notification: toReader(notifications),
  };
  const problems: FieldProblem[] = [];
  const task: Partial<Record<RequestField, string | null>> = {};
  for (const field of Object.keys(readers) as RequestField[]) {
    const value = given(field);
    const absent = REQUIRED.has(field) ? MISSING : null;
    const reading = value === undefined ? absent : readers[field](value);
    if (reading === null || typeof reading === 'string') task[field] = reading;
    else problems.push({ at: field, ...reading, given: typeof value === 'string' ? value : null });
  }
  return problems.length > 0 ? problems : (task as unknown as NewAccountTask);
}

function readGuid(value: JsonValue): string | Fault {
  return (typeof value === 'string' ? parseGuid(value.trim()) : null) ?? invalid(`is not ${GUID_FORMS}`);
}

function readTimestamp(value: JsonValue): string | Fault {
  const text = typeof value === 'string' ? value.trim() : '';
  if (isTimestamp(text)) return text;
  const problem = `is not ${TIMESTAMP_FORM}`;
  return INEXACT_DATE.test(text) ? refused(problem) : invalid(problem);
}

/** A blank text counts as missing. */
function readText(value: JsonValue): string | Fault {
  if (typeof value !== 'string') return invalid('is not text');
  return value.trim() === '' ? MISSING : value;
}

function readContentType(value: JsonValue): string | Fault {
  const text = readText(value);
  if (typeof text !== 'string') return text;
  const given = text.toLowerCase();
  return CONTENT_TYPES.find((type) => type === given) ?? refused(`is neither ${CONTENT_TYPES.join(' nor ')}`);
}

/** Reads an enum member by its number, its number as text, or its name in any case. */
function memberReader(table: EnumTable): Reader {
  return (value) => {
    const given = typeof value === 'string' ? value.trim() : value;
    const member = findMember(table, given);
    if (member) return member.name;
    const isNumber = typeof given === 'string' ? INTEGER.test(given) : Number.isInteger(given);
    const problem = `is not one of ${namesOf(table)}`;
    return isNumber ? refused(problem) : invalid(problem);
  };
}

/** Reads an enum member by its exact name. */
function nameReader(table: EnumTable): Reader {
  return (value) => table.find(({ name }) => name === value)?.name ?? invalid(`is not one of ${namesOf(table)}`);
}

function namesOf(table: EnumTable): string {
  return table.map(({ name, number }) => (number === null ? name : `${name} (${number})`)).join(', ');
}

function invalid(problem: string): Fault {
  return { kind: 'invalid', problem };
}

function refused(problem: string): Fault {
  return { kind: 'refused', problem };
}
