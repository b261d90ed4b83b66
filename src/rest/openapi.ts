import type { DetailKind } from '../contract/account-task.ts';
import { type EnumTable, type EnumTables, isDocumented } from '../contract/enums.ts';
import { FAILURES } from '../contract/failure.ts';
import type { JsonObject, JsonValue } from '../contract/json-value.ts';
import { BODY_FIELDS, type BodyField, type BodyMember, OPERATIONS } from '../contract/operations.ts';
import type { WriteName } from '../contract/task-service.ts';
import { CONTENT_TYPES, GUID_PATTERN } from '../contract/text-formats.ts';
import { errorAnswer, type Handler, jsonAnswer } from '../http/answer.ts';
import { READ_TYPES, WRITTEN_TYPES } from './rest-answer.ts';
import { frameworkAnswers, SERVED } from './served-operations.ts';

/** The versions of OpenAPI that the REST face is described in. */
const OPENAPI_VERSIONS = { '3.1': '3.1.1', '3.0': '3.0.4' } as const;
export type OpenApiVersion = keyof typeof OPENAPI_VERSIONS;

/** Describes what the REST face serves as an OpenAPI document. Its enums have the members of `tables`. */
export function createOpenApi(tables: EnumTables, version: OpenApiVersion = '3.1'): JsonObject {
  return {
    openapi: OPENAPI_VERSIONS[version],
    info: {
      title: 'Account tasks',
      version: '1',
      description:
        "The REST contract of account tasks, as this gateway serves it from its own store. It follows the contract's framework, " +
        "ASP.NET Web API 2. Names of JSON members match in any case. The demo's tasks named Fault have failures of their own.",
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This gateway.' }],
    security: [{ bearer: [] }],
    tags: [{ name: 'Account tasks', description: 'The writes of the contract.' }],
    paths: toPaths(),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token that POST /Token issued by client credentials.',
        },
      },
      schemas: version === '3.0' ? asVersion30(toSchemas(tables)) : toSchemas(tables),
    },
  };
}

/** Creates the handler of GET /api/openapi.json. `?version=3.0` asks for the older of the two versions. */
export function createOpenApiHandler(tables: EnumTables): Handler {
  return async ({ method, url }, { requestId }) => {
    const version = new URLSearchParams(url.split('?')[1]).get('version') ?? '3.1';
    if (method !== 'GET' && method !== 'HEAD')
      return errorAnswer(405, 'expected GET', { code: 'BAD_USER_INPUT', requestId }, { Allow: 'GET, HEAD' });
    if (version !== '3.1' && version !== '3.0')
      return errorAnswer(400, 'version: expected 3.1 or 3.0', { code: 'BAD_USER_INPUT', requestId });
    return jsonAnswer(200, createOpenApi(tables, version));
  };
}

function toPaths(): JsonObject {
  return Object.fromEntries(
    (Object.keys(OPERATIONS) as WriteName[]).map((name) => {
      const { method, path, body, hasKey } = OPERATIONS[name];
      const [place = '', query] = path.split('?');
      const { operationId, summary } = SERVED[name];
      const id = { name: 'id', required: true, description: 'The ID of the account task.', schema: BODY_SCHEMAS.guid };
      const parameters = [
        ...(path.includes('{id}') ? [{ ...id, in: query === undefined ? 'path' : 'query' }] : []),
        ...(hasKey ? [KEY_HEADER] : []),
      ];
      const operation = {
        operationId,
        summary,
        tags: ['Account tasks'],
        parameters,
        ...(body && { requestBody: { required: true, content: toContent(READ_TYPES, [body.name]) } }),
        responses: toResponses(name),
      };
      return [`/${place}`, { [method.toLowerCase()]: operation }];
    }),
  );
}

const KEY_HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'An addition of this gateway: the same key with the same request is carried out once.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]*$' },
} as const;

/** The answers of a write, by status. One that is not supported here has no other answer than failures. */
function toResponses(name: WriteName): JsonObject {
  const { codes } = SERVED[name];
  const envelope = OPERATIONS[name].answer.name;
  const failures = FAILURES.filter(({ code }) => codes.includes(code));
  const ofFramework = frameworkAnswers(OPERATIONS[name]);
  const toAnswer = (status: number): JsonObject => {
    const ofCodes = failures.filter(({ restStatus }) => restStatus === status && status !== 401);
    const schemas = [...(ofCodes.length > 0 ? [envelope] : []), ...(ofFramework[status] ? ['FrameworkError'] : [])];
    const sentences = [...ofCodes.map(({ code, description }) => `${code}: ${description}`), ofFramework[status] ?? []];
    return { description: sentences.flat().join('\n'), content: toContent(WRITTEN_TYPES, schemas) };
  };
  const statuses = new Set([...failures.map(({ restStatus }) => restStatus), ...Object.keys(ofFramework).map(Number)]);
  return {
    ...(!codes.includes('NOT_SUPPORTED') && {
      200: { description: 'Done.', content: toContent(WRITTEN_TYPES, [envelope]) },
    }),
    ...Object.fromEntries([...statuses].map((status) => [status, toAnswer(status)])),
  };
}

function toContent(types: readonly string[], schemas: readonly string[]): JsonObject {
  const refs = schemas.map(toRef);
  const schema = refs.length === 1 ? refs[0] : { anyOf: refs };
  return Object.fromEntries(types.map((type) => [type, { schema: schema as JsonObject }]));
}

const TEXT = { type: 'string' } as const;
const DATE = { type: 'string', format: 'date-time' } as const;

/** The schemas of the models of all operations, and of what they have in common, by name. */
function toSchemas(tables: EnumTables): JsonObject {
  const bodies = Object.values(OPERATIONS).flatMap(({ body }) => body ?? []);
  const answers = new Map(Object.values(OPERATIONS).map(({ answer }) => [answer.name, answer]));
  return {
    TaskFrequency: toEnum(tables.frequencies, 'How often the task runs.'),
    TaskNotification: toEnum(tables.notifications, 'What the task sends back to the user.'),
    ...Object.fromEntries(
      bodies.map(({ name, jsonOrder }) => {
        const required = jsonOrder.filter((field) => BODY_FIELDS[field].isRequired || field === 'Enabled');
        const properties = Object.fromEntries(jsonOrder.map((field) => [field, toFieldSchema(field)]));
        return [name, toObject(null, properties, { xml: { name }, required })];
      }),
    ),
    ...Object.fromEntries(
      [...answers].flatMap(([name, { detail }]) => {
        // `ResponseOfAccountTaskResponse` has an `AccountTaskResponse`.
        const detailName = name.replace(/^ResponseOf/, '');
        const dataName = name.replace(/^Response/, 'ResponseData');
        const members = Object.entries(detail).map(([field, kind]) => [field, nullable(DETAIL_SCHEMAS[kind])]);
        const data = {
          Identification: nullable(toRef('Identification')),
          Result: nullable(TEXT),
          Detail: nullable(toRef(detailName)),
        };
        const envelope = { Error: nullable(toRef('Error')), ResponseData: nullable(toRef(dataName)) };
        return [
          [name, toObject(null, envelope, { xml: { name } })],
          [dataName, toObject(null, data)],
          [detailName, toObject(null, Object.fromEntries(members) as JsonObject)],
        ];
      }),
    ),
    Error: toObject('Why a request was refused or failed.', {
      ErrorCode: { ...nullable(TEXT), description: "One of the codes that the operation's answers list." },
      ErrorReason: nullable(TEXT),
    }),
    Identification: toObject('The user that was identified as the caller.', { UserId: nullable(TEXT) }),
    ModelState: {
      type: 'object',
      description: 'The messages about the values that could not be bound, by the path of each.',
      additionalProperties: { type: 'array', items: TEXT },
    },
    FrameworkError: toObject(
      'An error of the framework, before the endpoint itself sees the request.',
      { Message: TEXT, ModelState: toRef('ModelState') },
      { xml: { name: 'Error' }, required: ['Message'] },
    ),
  };
}

function toObject(description: string | null, properties: JsonObject, facts: JsonObject = {}): JsonObject {
  return { type: 'object', ...(description !== null && { description }), ...facts, properties };
}

function toRef(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** A schema that also accepts null. */
function nullable(schema: JsonObject): JsonObject {
  return '$ref' in schema ? { anyOf: [schema, { type: 'null' }] } : { ...schema, type: [schema['type'] ?? '', 'null'] };
}

/** Writes the schemas that `nullable` makes as OpenAPI 3.0 does, which has no type null. */
function asVersion30(schemas: JsonObject): JsonObject {
  const text = JSON.stringify(schemas, (_name, value: JsonValue | undefined) => {
    const { type, anyOf, ...schema } = (value ?? {}) as JsonObject;
    if (Array.isArray(type)) return { type: type[0] as JsonValue, ...schema, nullable: true };
    const isNullable = Array.isArray(anyOf) && JSON.stringify(anyOf[1]) === '{"type":"null"}';
    return isNullable ? { type: 'object', nullable: true, allOf: [anyOf[0] as JsonValue] } : value;
  });
  return JSON.parse(text) as JsonObject;
}

function toFieldSchema(field: BodyField): JsonObject {
  const { kind, maxLength, storeMinLength: minLength = 1 }: BodyMember = BODY_FIELDS[field];
  if (kind === 'date') return nullable(DATE);
  return kind === 'text' ? { ...TEXT, minLength, ...(maxLength && { maxLength }) } : BODY_SCHEMAS[kind];
}

/** Members go as a name, or as a number where it is known. Only NONE is the contract's. */
function toEnum(table: EnumTable, description: string): JsonObject {
  const numbers = table.flatMap(({ number }) => (number === null ? [] : [number]));
  const configured = table.filter((member) => !isDocumented(member)).map(({ name }) => name);
  const origin = `The contract documents NONE (0) only. Configured in this gateway, not documented by the contract: ${configured.join(', ') || 'none'}.`;
  return {
    description: `${description} ${origin}`,
    anyOf: [
      { type: 'string', enum: table.map(({ name }) => name), 'x-configured-members': configured },
      ...(numbers.length > 0 ? [{ type: 'integer', enum: numbers }] : []),
    ],
  };
}

const BODY_SCHEMAS = {
  guid: { type: 'string', pattern: GUID_PATTERN },
  boolean: { type: 'boolean' },
  'content type': { type: 'string', enum: [...CONTENT_TYPES] },
  frequencies: toRef('TaskFrequency'),
  notifications: toRef('TaskNotification'),
};

const DETAIL_SCHEMAS: Readonly<Record<DetailKind, JsonObject>> = {
  guid: { type: 'string', format: 'uuid' },
  text: TEXT,
  boolean: { type: 'boolean' },
  enum: { type: 'string', description: 'The name of a member; only NONE is documented by the contract.' },
  date: DATE,
};
