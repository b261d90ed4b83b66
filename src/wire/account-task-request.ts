import type { ReadProblem, NewAccountTask } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';
import { CONTENT_TYPES } from '../contract/parameters.ts';
import { isTimestamp, TIMESTAMP_FORM } from '../contract/timestamp.ts';
import { withoutAttributes } from './xml-tree.ts';

export type RequestField = keyof NewAccountTask;

/** A field that does not hold what it should, with the words for the request's writer. */
export interface FieldProblem extends ReadProblem {
  readonly at: RequestField;
  /** `missing`: nothing is given. `invalid`: it is no value of the field's type. `refused`: it is one that no task may have. */
  readonly kind: 'missing' | 'invalid' | 'refused';
  /** The value where it is a text, else null. */
  readonly given: string | null;
}

type Fault = Pick<FieldProblem, 'kind' | 'problem'>;
type Reader = (value: JsonValue) => string | Fault;
type Task = NewAccountTask | readonly FieldProblem[];

const FIELDS = [
  'TaskID',
  'Frequency',
  'StartDate',
  'FinishDate',
  'Parameters',
  'ContentType',
  'Notification',
] as const satisfies readonly RequestField[];
const REQUIRED: ReadonlySet<RequestField> = new Set(['TaskID', 'Frequency', 'Parameters', 'ContentType']);
/** The fields whose null counts as absent; the other fields are of types that have no null. */
const NULLABLE: ReadonlySet<RequestField> = new Set(['StartDate', 'FinishDate', 'Parameters', 'ContentType']);
const MISSING: Fault = { kind: 'missing', problem: 'is required' };

/** A date of ISO 8601 that lacks an offset, or has too few or too many digits: read elsewhere, but not without guessing. */
const INEXACT_DATE =
  /^\d{4}-(?:0\d|1[0-2])-[0-3]\d(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/;
const INTEGER = /^[+-]?\d+$/;

/** AccountTaskRequest from JSON: names in any case, unknown ones ignored, the last of one name counts. */
export function fromJsonRequest(request: JsonObject, tables: EnumTables): Task {
  const values = new Map(Object.entries(request).map(([name, value]) => [name.toLowerCase(), value]));
  return readTask(tables, memberReader, (field) => {
    const value = values.get(field.toLowerCase());
    if (field === 'FinishDate' && value === '') return undefined;
    return value === null && NULLABLE.has(field) ? undefined : value;
  });
}

/** AccountTaskRequest from XML: exact names, unknown ones ignored, the first of one name counts, enums by exact name. */
export function fromXmlRequest(request: JsonObject, tables: EnumTables): Task {
  return readTask(tables, nameReader, (field) => {
    const value = Object.hasOwn(request, field) ? (request[field] ?? null) : null;
    return withoutAttributes(Array.isArray(value) ? (value[0] as JsonValue) : value) ?? undefined;
  });
}

/** AccountTaskRequest from a form: `fields` by lower-case name, unknown ones ignored. */
export function fromFormRequest(fields: ReadonlyMap<string, string>, tables: EnumTables): Task {
  return readTask(tables, memberReader, (field) => {
    const value = fields.get(field.toLowerCase());
    return field === 'FinishDate' && value === '' ? undefined : value;
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
  for (const field of FIELDS) {
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

/** A text that holds nothing but blanks is not given. */
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

/** A member by its number, its number as text, or its name in any case. */
function memberReader(table: EnumTable): Reader {
  return (value) => {
    const given = typeof value === 'string' ? value.trim() : value;
    const member = findMember(table, given);
    if (member) return member.name;
    const isNumber = typeof given === 'string' ? INTEGER.test(given) : Number.isInteger(given);
    return isNumber ? refused(`is none of ${namesOf(table)}`) : invalid(`is none of ${namesOf(table)}`);
  };
}

/** A member by its exact name. */
function nameReader(table: EnumTable): Reader {
  return (value) => table.find(({ name }) => name === value)?.name ?? invalid(`is none of ${namesOf(table)}`);
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

/** A form's values by their lower-case names, the first of one name; or what is wrong with it, or beyond what is read. */
export type ParsedForm =
  | { readonly fields: ReadonlyMap<string, string> }
  | { readonly problem: string }
  | { readonly excess: string };

/** Each name costs more than its bytes; a request has nine fields. */
const MAX_FIELDS = 1_000;
const MAX_NAME_LENGTH = 256;

/** An application/x-www-form-urlencoded text: `+` is a blank, `%XX` a byte of UTF-8, any other `%` stands for itself. */
export function parseForm(text: string): ParsedForm {
  const fields = new Map<string, string>();
  const pairs = text.split('&', MAX_FIELDS + 1);
  if (pairs.length > MAX_FIELDS) return { excess: `has more than ${MAX_FIELDS} form fields` };
  try {
    for (const pair of pairs) {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      if (name.length > MAX_NAME_LENGTH)
        return { excess: `has a form field with a name of more than ${MAX_NAME_LENGTH} characters` };
      const key = decode(name).toLowerCase();
      if (!fields.has(key)) fields.set(key, decode(value));
    }
  } catch {
    return { problem: 'is a form with bytes that are not UTF-8' };
  }
  return { fields };
}

/** @throws URIError where the bytes are not UTF-8. */
function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' ').replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
}
