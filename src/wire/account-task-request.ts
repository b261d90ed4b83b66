import type { Misread, NewAccountTask } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, findMember } from '../contract/enums.ts';
import { GUID_FORMS, parseGuid } from '../contract/guid.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';
import { CONTENT_TYPES } from '../contract/parameters.ts';
import { parseTimestamp, TIMESTAMP_FORM } from '../contract/timestamp.ts';
import { withoutAttributes } from './xml-tree.ts';

/** The contract's form of a value, null where none is given, or what is wrong with it. */
type FieldReading = string | null | { readonly problem: string };

const REQUIRED: ReadonlySet<string> = new Set(['TaskID', 'Frequency', 'Parameters', 'ContentType']);

/** AccountTaskRequest from JSON: names in any case, unknown ones ignored, the last of one name counts. */
export function fromJsonRequest(
  request: JsonObject,
  { frequencies, notifications }: EnumTables,
): NewAccountTask | Misread {
  const fields = new Map(Object.entries(request).map(([name, value]) => [name.toLowerCase(), value ?? null]));
  const field = (name: keyof NewAccountTask): JsonValue => fields.get(name.toLowerCase()) ?? null;
  return checkRequired({
    TaskID: readGuid(field('TaskID')),
    Frequency: readMember(field('Frequency'), frequencies),
    StartDate: readTimestamp(field('StartDate')),
    FinishDate: readTimestamp(field('FinishDate')),
    Parameters: readText(field('Parameters')),
    ContentType: readContentType(field('ContentType')),
    Notification: readMember(field('Notification'), notifications),
  });
}

/** AccountTaskRequest from XML: exact names, unknown ones ignored, the first of one name counts, enums by exact name. */
export function fromXmlRequest(
  request: JsonObject,
  { frequencies, notifications }: EnumTables,
): NewAccountTask | Misread {
  const field = (name: keyof NewAccountTask): JsonValue => {
    const value = request[name] ?? null;
    return withoutAttributes(Array.isArray(value) ? (value[0] as JsonValue) : value);
  };
  return checkRequired({
    TaskID: readGuid(field('TaskID')),
    Frequency: readName(field('Frequency'), frequencies),
    StartDate: readTimestamp(trimmed(field('StartDate'))),
    FinishDate: readTimestamp(trimmed(field('FinishDate'))),
    Parameters: readText(field('Parameters')),
    ContentType: readContentType(field('ContentType')),
    Notification: readName(field('Notification'), notifications),
  });
}

function checkRequired(readings: Record<keyof NewAccountTask, FieldReading>): NewAccountTask | Misread {
  for (const [at, reading] of Object.entries(readings)) {
    if (reading === null && REQUIRED.has(at)) return { at, problem: 'is required' };
    if (reading !== null && typeof reading === 'object') return { at, problem: reading.problem };
  }
  return readings as NewAccountTask;
}

function readGuid(value: JsonValue): FieldReading {
  if (value === null) return null;
  return (typeof value === 'string' ? parseGuid(value.trim()) : null) ?? { problem: `is not ${GUID_FORMS}` };
}

function readTimestamp(value: JsonValue): FieldReading {
  if (value === null) return null;
  return (typeof value === 'string' ? parseTimestamp(value) : null)?.text ?? { problem: `is not ${TIMESTAMP_FORM}` };
}

function readText(value: JsonValue): FieldReading {
  return value === null || typeof value === 'string' ? value : { problem: 'is not text' };
}

function readContentType(value: JsonValue): FieldReading {
  if (value === null) return null;
  const given = typeof value === 'string' ? value.toLowerCase() : null;
  return CONTENT_TYPES.find((type) => type === given) ?? { problem: `is neither ${CONTENT_TYPES.join(' nor ')}` };
}

function readMember(value: JsonValue, table: EnumTable): FieldReading {
  if (value === null) return null;
  const member = findMember(table, typeof value === 'string' ? value.trim() : value);
  return member ? member.name : { problem: `is none of ${namesOf(table)}` };
}

function readName(value: JsonValue, table: EnumTable): FieldReading {
  if (value === null) return null;
  return table.find(({ name }) => name === value)?.name ?? { problem: `is none of ${namesOf(table)}` };
}

function namesOf(table: EnumTable): string {
  return table.map(({ name, number }) => (number === null ? name : `${name} (${number})`)).join(', ');
}

function trimmed(value: JsonValue): JsonValue {
  return typeof value === 'string' ? value.trim() : value;
}
