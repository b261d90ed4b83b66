import type { EnumTables } from '../contract/enums.ts';
import { FAILURES } from '../contract/failure.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { OPERATIONS, type Operation } from '../contract/operations.ts';
import type { WriteName } from '../contract/task-service.ts';
import { errorAnswer, type Handler, jsonAnswer } from '../http/answer.ts';
import { READ_TYPES, WRITTEN_TYPES } from './negotiation.ts';
import { GUID, OPENAPI_VERSIONS, type OpenApiVersion, toRef, toSchemas } from './openapi-schemas.ts';
import { SERVED } from './served-operations.ts';

const NAMES = Object.keys(OPERATIONS) as WriteName[];

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
      schemas: toSchemas(tables, version),
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
    NAMES.map((name) => {
      const { method, path, body, hasKey } = OPERATIONS[name];
      const [place = '', query] = path.split('?');
      const { operationId, summary } = SERVED[name];
      const id = {
        name: 'id',
        required: true,
        description: 'The ID of the account task.',
        schema: { type: 'string', pattern: GUID },
      };
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

/** The answers that have the shape of the framework, by status. */
function frameworkAnswers({ path, body }: Operation): Readonly<Record<number, string>> {
  return {
    400: 'The request cannot be read or bound.',
    401: 'The credentials are missing or were not accepted.',
    ...(path.includes('?') && { 404: 'The URL has no id.' }),
    ...(body && { 413: 'The body is too large.', 415: 'The Content-Type is not supported.' }),
    500: 'A defect of the gateway, described in its log. It may have been done.',
  };
}

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
