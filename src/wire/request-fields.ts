import type { ReadProblem } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { GUID_FORMS, parseGuid, CONTENT_TYPES, isTimestamp, TIMESTAMP_FORM } from '../contract/text-formats.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';
import { BODY_FIELDS, type BodyField, type BodyModel, type RequestBody } from '../contract/operations.ts';
import { BOOLEANS, withoutAttributes } from './xml-document.ts';

/** An invalid field of a request, with an explanation for the caller. */
export interface FieldProblem extends ReadProblem {
  readonly at: BodyField;
  /** `missing`: no value. `invalid`: not a value of the field's type. `refused`: of the right type, but not allowed in a task. */
  readonly kind: 'missing' | 'invalid' | 'refused';
  /** The value if it is a string, else null. */
  readonly given: string | null;
}

type FieldKind = (typeof BODY_FIELDS)[BodyField]['kind'];
type Fault = Pick<FieldProblem, 'kind' | 'problem'>;
type Reader = (value: JsonValue) => string | boolean | Fault;

/** The fields of a body, or those that are invalid: at least one problem, in the order of the fields. */
export type BodyReading =
  | { readonly kind: 'body'; readonly body: RequestBody }
  | { readonly kind: 'faulty'; readonly problems: readonly FieldProblem[] };

/** The kinds whose null counts as absent. The types of the others have no null. */
const NULLABLE: ReadonlySet<FieldKind> = new Set(['date', 'text', 'content type']);
const MISSING: Fault = { kind: 'missing', problem: 'is required' };

/** An ISO 8601 date without an offset, or with too few or too many digits. ASP.NET Web API 2 accepts it by guessing the rest. */
const INEXACT_DATE =
  /^\d{4}-(?:0\d|1[0-2])-[0-3]\d(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/;
const INTEGER = /^[+-]?\d+$/;

/** Reads a body from JSON or a form: names in any case, unknown ones ignored, the last of equal names counts. */
export function fromMembers(
  members: readonly (readonly [name: string, value: JsonValue | undefined])[],
  model: BodyModel,
  tables: EnumTables,
): BodyReading {
  const values = new Map(members.map(([name, value]) => [name.toLowerCase(), value]));
  return readBody(model, toReaders(tables, memberReader), (field) => {
    const value = values.get(field.toLowerCase());
    if (field === 'FinishDate' && value === '') return undefined;
    return value === null && NULLABLE.has(BODY_FIELDS[field].kind) ? undefined : value;
  });
}

/** Reads a body from XML: exact names, also of enum members, unknown ones ignored, the first of equal names counts. */
export function fromElements(request: JsonObject, model: BodyModel, tables: EnumTables): BodyReading {
  return readBody(model, toReaders(tables, nameReader), (field) => {
    const value = Object.hasOwn(request, field) ? (request[field] ?? null) : null;
    return withoutAttributes(Array.isArray(value) ? (value[0] as JsonValue) : value) ?? undefined;
  });
}

function toReaders(
  { frequencies, notifications }: EnumTables,
  toReader: (table: EnumTable) => Reader,
): Readonly<Record<FieldKind, Reader>> {
  return {
    guid: readGuid,
    date: readTimestamp,
    text: readText,
    'content type': readContentType,
    boolean: readBoolean,
    frequencies: toReader(frequencies),
    notifications: toReader(notifications),
  };
}

function readBody(
  { jsonOrder }: BodyModel,
  readers: Readonly<Record<FieldKind, Reader>>,
  given: (field: BodyField) => JsonValue | undefined,
): BodyReading {
  const problems: FieldProblem[] = [];
  const body: Partial<Record<BodyField, string | boolean | null>> = {};
  for (const field of jsonOrder) {
    const value = given(field);
    const { kind, isRequired } = BODY_FIELDS[field];
    const absent = isRequired ? MISSING : null;
    const reading = value === undefined ? absent : readers[kind](value);
    if (typeof reading !== 'object' || reading === null) body[field] = reading;
    else problems.push({ at: field, ...reading, given: typeof value === 'string' ? value : null });
  }
  return problems.length > 0 ? { kind: 'faulty', problems } : { kind: 'body', body };
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

function readBoolean(value: JsonValue): boolean | Fault {
  const read = typeof value === 'string' ? BOOLEANS.get(value.trim().toLowerCase()) : value;
  return typeof read === 'boolean' ? read : invalid('is neither true nor false');
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
