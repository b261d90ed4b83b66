import type { DetailKind } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, isDocumented } from '../contract/enums.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { BODY_FIELDS, type BodyField, type BodyModel, OPERATIONS } from '../contract/operations.ts';
import { CONTENT_TYPES } from '../contract/text-formats.ts';

/** The versions of OpenAPI that the REST face is described in. */
export const OPENAPI_VERSIONS = { '3.1': '3.1.1', '3.0': '3.0.4' } as const;
export type OpenApiVersion = keyof typeof OPENAPI_VERSIONS;

/** Returns a schema that also accepts null. */
type Nullable = (schema: JsonObject) => JsonObject;

/** A GUID in format N, D, B or P. */
export const GUID =
  '^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\}|\\([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\))$';
const ENUM_NAMES = { frequencies: 'TaskFrequency', notifications: 'TaskNotification' } as const;

/** The schemas of the models of all operations, and of what they have in common, by name. */
export function toSchemas(tables: EnumTables, version: OpenApiVersion): JsonObject {
  const nullable = (schema: JsonObject): JsonObject => {
    if (version === '3.0')
      return '$ref' in schema ? { type: 'object', nullable: true, allOf: [schema] } : { ...schema, nullable: true };
    return '$ref' in schema
      ? { anyOf: [schema, { type: 'null' }] }
      : { ...schema, type: [schema['type'] ?? '', 'null'] };
  };
  const bodies = Object.values(OPERATIONS).flatMap(({ body }) => body ?? []);
  const answers = new Map(Object.values(OPERATIONS).map(({ answer }) => [answer.name, answer]));
  return {
    TaskFrequency: toEnum(tables.frequencies, 'How often the task runs.'),
    TaskNotification: toEnum(tables.notifications, 'What the task sends back to the user.'),
    ...Object.fromEntries(bodies.map((model) => [model.name, toBodySchema(model, nullable)])),
    ...Object.fromEntries(
      [...answers].flatMap(([name, { detail }]) => [
        [name, toEnvelope(name, nullable)],
        [dataName(name), toData(name, nullable)],
        [detailName(name), toDetailSchema(detail, nullable)],
      ]),
    ),
    Error: {
      type: 'object',
      description: 'Why a request was refused or failed.',
      properties: {
        ErrorCode: {
          ...nullable({ type: 'string' }),
          description: "One of the codes that the operation's answers list.",
        },
        ErrorReason: nullable({ type: 'string' }),
      },
    },
    Identification: {
      type: 'object',
      description: 'The user that was identified as the caller.',
      properties: { UserId: nullable({ type: 'string' }) },
    },
    ModelState: {
      type: 'object',
      description: 'The messages about the values that could not be bound, by the path of each.',
      additionalProperties: { type: 'array', items: { type: 'string' } },
    },
    FrameworkError: {
      type: 'object',
      description: 'An error of the framework, before the endpoint itself sees the request.',
      xml: { name: 'Error' },
      required: ['Message'],
      properties: {
        Message: { type: 'string' },
        ModelState: toRef('ModelState'),
      },
    },
  };
}

export function toRef(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

function toBodySchema({ name, jsonOrder }: BodyModel, nullable: Nullable): JsonObject {
  return {
    type: 'object',
    xml: { name },
    required: jsonOrder.filter((field) => BODY_FIELDS[field].isRequired || field === 'Enabled'),
    properties: Object.fromEntries(jsonOrder.map((field) => [field, toFieldSchema(field, nullable)])),
  };
}

function toFieldSchema(field: BodyField, nullable: Nullable): JsonObject {
  const { kind, ...facts } = BODY_FIELDS[field];
  const minLength = 'storeMinLength' in facts ? facts.storeMinLength : 1;
  const maxLength = 'maxLength' in facts ? { maxLength: facts.maxLength } : {};
  if (kind === 'frequencies' || kind === 'notifications') return toRef(ENUM_NAMES[kind]);
  if (kind === 'guid') return { type: 'string', pattern: GUID };
  if (kind === 'date') return nullable({ type: 'string', format: 'date-time' });
  if (kind === 'content type') return { type: 'string', enum: [...CONTENT_TYPES] };
  return kind === 'boolean' ? { type: 'boolean' } : { type: 'string', minLength, ...maxLength };
}

/** Members go as a name, or as a number where it is known. Only NONE is the contract's. */
function toEnum(table: EnumTable, description: string): JsonObject {
  const names = table.map(({ name }) => name);
  const numbers = table.flatMap(({ number }) => (number === null ? [] : [number]));
  const configured = table.filter((member) => !isDocumented(member)).map(({ name }) => name);
  const origin = `The contract documents NONE (0) only. Configured in this gateway, not documented by the contract: ${configured.join(', ') || 'none'}.`;
  return {
    description: `${description} ${origin}`,
    anyOf: [
      { type: 'string', enum: names, 'x-configured-members': configured },
      ...(numbers.length > 0 ? [{ type: 'integer', enum: numbers }] : []),
    ],
  };
}

function toEnvelope(name: string, nullable: Nullable): JsonObject {
  return {
    type: 'object',
    xml: { name },
    properties: {
      Error: nullable(toRef('Error')),
      ResponseData: nullable(toRef(dataName(name))),
    },
  };
}

function toData(name: string, nullable: Nullable): JsonObject {
  return {
    type: 'object',
    properties: {
      Identification: nullable(toRef('Identification')),
      Result: nullable({ type: 'string' }),
      Detail: nullable(toRef(detailName(name))),
    },
  };
}

function dataName(envelope: string): string {
  return envelope.replace(/^Response/, 'ResponseData');
}

/** `ResponseOfAccountTaskResponse` has an `AccountTaskResponse`. */
function detailName(envelope: string): string {
  return envelope.replace(/^ResponseOf/, '');
}

const DETAIL_SCHEMAS: Readonly<Record<DetailKind, JsonObject>> = {
  guid: { type: 'string', format: 'uuid' },
  text: { type: 'string' },
  boolean: { type: 'boolean' },
  enum: { type: 'string', description: 'The name of a member; only NONE is documented by the contract.' },
  date: { type: 'string', format: 'date-time' },
};

function toDetailSchema(detail: Readonly<Record<string, DetailKind>>, nullable: Nullable): JsonObject {
  const properties = Object.entries(detail).map(([field, kind]) => [field, nullable(DETAIL_SCHEMAS[kind])]);
  return { type: 'object', properties: Object.fromEntries(properties) as JsonObject };
}
