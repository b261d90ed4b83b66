import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, describe, expect, test } from 'vitest';
import { createOpenApi, type OpenApiVersion } from '../../src/rest/openapi.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, parseEnumTable } from '../../src/contract/enums.ts';
import { BODY_FIELDS, OPERATIONS } from '../../src/contract/operations.ts';
import { startStoreGateway } from '../support/running-gateway.ts';
import { jsonText } from '../support/request-texts.ts';
import { PATH, type PlainRequest, send } from '../support/rest-client.ts';
import { requestOf } from './observed-requests.ts';

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Record<string, unknown>>> };
}
interface DescribedAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

const DEFAULTS = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const documentOf = (version: OpenApiVersion, tables = DEFAULTS) => createOpenApi(tables, version) as unknown as OpenApi;

describe.each(['3.1', '3.0'] as const)('the OpenAPI %s document', (version) => {
  const document = documentOf(version);

  test("breaks none of Redocly's recommended rules", async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    expect(problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([]);
  });

  test('names every operation, and has every path of the contract in full', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.map(({ operationId }) => operationId)).toEqual([
      'createAccountTask',
      'updateAccountTask',
      'runAccountTask',
      'createClient',
    ]);
    expect(Object.keys(document.paths)).toEqual(Object.values(OPERATIONS).map(({ path }) => `/${path.split('?')[0]}`));
  });

  test('presents no member of an enum but NONE as the contract’s', () => {
    const { TaskFrequency } = document.components.schemas;
    expect(TaskFrequency?.['description']).toMatch(
      /The contract documents NONE \(0\) only\. Configured .*: HOURLY, DAILY, WEEKLY, MONTHLY\.$/,
    );
    expect(TaskFrequency?.['anyOf']).toEqual([
      {
        type: 'string',
        enum: ['NONE', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY'],
        'x-configured-members': ['HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY'],
      },
      { type: 'integer', enum: [0] },
    ]);
  });

  test('lists the failures that each operation can have, and no success of the run, which a store never does', () => {
    const listed = Object.values(document.paths).map((methods) => {
      const [{ operationId, responses }] = Object.values(methods) as [Operation];
      const answers = Object.entries(responses).map(([status, { description }]) => [
        status,
        description.match(/^[A-Z_]+(?=:)/gm)?.join(' ') ?? '',
      ]);
      return [operationId, Object.fromEntries(answers)];
    });
    const common = { 400: 'BAD_USER_INPUT', 401: '', 503: 'STORE_UNAVAILABLE UPSTREAM_UNREACHABLE' };
    const stored = { ...common, 200: '', 413: '', 415: '', 429: 'OVERLOADED', 500: 'STORE_FAILED' };
    expect(Object.fromEntries(listed)).toEqual({
      createAccountTask: {
        ...stored,
        404: 'TASK_NOT_FOUND',
        409: 'CLIENT_REQUIRED IDEMPOTENCY_CONFLICT IDEMPOTENCY_IN_PROGRESS',
      },
      updateAccountTask: { ...stored, 404: 'TASK_NOT_FOUND ACCOUNT_TASK_NOT_FOUND', 409: 'CLIENT_REQUIRED' },
      runAccountTask: { ...common, 404: '', 500: '', 501: 'NOT_SUPPORTED' },
      createClient: { ...stored, 403: 'FORBIDDEN' },
    });
  });

  test("states the lengths of a client's secret in this store", () => {
    expect(document.components.schemas['ClientRequest']?.['properties']).toMatchObject({
      Name: { minLength: 1, maxLength: 18 },
      Secret: { minLength: 16, maxLength: 50 },
    });
  });

  test('has no object without a name', () => {
    const unnamed: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const isNamed = /^components\.schemas\.\w+$/.test(path);
      if ('properties' in value && !isNamed && !path.endsWith('.properties')) unnamed.push(path);
      for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`);
    };
    visit(document, '');
    expect(unnamed).toEqual([]);
  });
});

const tables = {
  frequencies: parseEnumTable('NONE=0,ONE=1,TWO=2'),
  notifications: parseEnumTable('NONE=0,A=1'),
};
const served = documentOf('3.1', tables);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(served, 'openapi');

/** By the text of their schemas, since few are used often and a compilation takes milliseconds. */
const validators = new Map<string, ValidateFunction>();

/** Returns what is wrong with a value by a schema of the document; null if it is valid. */
function problemOf(schema: object, value: unknown): string | null {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
  const validate = validators.get(text) ?? ajv.compile(JSON.parse(text) as object);
  validators.set(text, validate);
  return validate(value) ? null : ajv.errorsText(validate.errors);
}

const gateway = await startStoreGateway({
  env: { TASK_FREQUENCIES: 'NONE=0,ONE=1,TWO=2', TASK_NOTIFICATIONS: 'NONE=0,A=1' },
});
afterAll(() => gateway.close());

const member = (value: unknown): unknown =>
  typeof value === 'string' ? (/^\d+$/.test(value) ? Number(value) : value.toUpperCase()) : value;

/** Members by the contract's names, since JSON Schema cannot match them in any case. An empty FinishDate counts as absent. */
function canonical(body: string): unknown {
  const names = new Map(Object.keys(BODY_FIELDS).map((name) => [name.toLowerCase(), name]));
  const members = Object.entries(JSON.parse(body.replace('\uFEFF', '')) as object).map(([name, value]) => [
    names.get(name.toLowerCase()) ?? name,
    typeof value === 'string' ? value.trim() : (value as unknown),
  ]);
  const { Frequency, Notification, FinishDate, ...rest } = Object.fromEntries(members) as Record<string, unknown>;
  return {
    ...rest,
    ...(FinishDate === '' ? {} : { FinishDate: FinishDate ?? null }),
    Frequency: member(Frequency),
    ...(Notification === undefined ? {} : { Notification: member(Notification) }),
  };
}

const OBSERVED = readFileSync(new URL('observed-answers.txt', import.meta.url), 'utf8');

/** Sends an observed request, and returns where the request or its answer is not as the document says. */
async function departuresOf(name: string): Promise<readonly string[]> {
  const request = requestOf(name) as PlainRequest;
  const headers: Record<string, string | string[]> = { Authorization: `Bearer ${gateway.token}`, ...request.headers };
  const answer = await send(gateway.url, { ...request, headers });
  const operation = served.paths['/api/v2/admin/tasks/account']?.['post'];
  const [type = ''] = (answer.header('content-type') ?? '').split(';');
  const isServed = (request.method ?? 'POST') === 'POST';
  const content = operation?.responses[answer.status]?.content[type];
  if (isServed && !content) return [`${answer.status} in ${type} is not described`];
  const isJson = type.endsWith('json') && answer.text !== '';
  const schema = content?.schema ?? { $ref: '#/components/schemas/FrameworkError' };
  const ofAnswer = isJson ? problemOf(schema, JSON.parse(answer.text)) : null;
  const sentType = Object.entries(headers).find(([header]) => header.toLowerCase() === 'content-type')?.[1];
  const isAccepted = answer.status === 200 && /json/i.test(String(sentType)) && typeof request.body === 'string';
  const ofRequest = isAccepted
    ? problemOf({ $ref: '#/components/schemas/AccountTaskRequest' }, canonical(request.body))
    : null;
  return [ofAnswer, ofRequest].filter((problem) => problem !== null);
}

test.each([...OBSERVED.matchAll(/^## (.*)$/gm)].map(([, name = '']) => name))(
  'the observed request "%s" and its answer are as the document says',
  async (name) => {
    expect(await departuresOf(name)).toEqual([]);
  },
);

const RUN = `/api/v1/admin/tasks/account/run?id=${randomUUID()}`;
const UPDATE = `/api/v1/admin/tasks/account/${randomUUID()}`;
const updating = (fields: Record<string, string>, path = UPDATE) => ({ method: 'PUT', path, body: jsonText(fields) });

/** Requests, with the statuses of their answers and what those say. */
const FAILING: readonly (readonly [name: string, sent: PlainRequest, status: number, says: RegExp])[] = [
  ['a create of an unknown task', { body: jsonText({ TaskID: `"${randomUUID()}"` }) }, 404, /TASK_NOT_FOUND/],
  ['an update of a bad ID', updating({ Enabled: 'true' }, UPDATE.slice(0, -1)), 400, /^{"Message":.*"id":/],
  ['an update without Enabled', updating({}), 400, /BAD_USER_INPUT.*Enabled: is required/],
  ['an update of an unknown task', updating({ Enabled: 'true' }), 404, /ACCOUNT_TASK_NOT_FOUND/],
  ['a run', { path: RUN }, 501, /NOT_SUPPORTED/],
  ['a run without an ID', { path: '/api/v1/admin/tasks/account/run' }, 404, /^{"Message":/],
  ['a run of a bad ID', { path: RUN.slice(0, -1) }, 400, /^{"Message":.*"id":/],
  ['a run with a bad token', { path: RUN, headers: { Authorization: 'Bearer x' } }, 401, /^{"Message":/],
  ['a run with a bad key', { path: RUN, headers: { 'Idempotency-Key': '\t' } }, 400, /BAD_USER_INPUT/],
  [
    'a client added by a client',
    {
      path: '/api/v1/admin/clients',
      body: JSON.stringify({ Name: 'shop', Secret: 's'.repeat(16), UserID: gateway.accountId }),
    },
    403,
    /FORBIDDEN/,
  ],
];

test.each(FAILING)('the answer to %s is as the document says', async (_, sent, status, says) => {
  const type = sent.body === undefined ? {} : { 'Content-Type': 'application/json' };
  const headers = { Authorization: `Bearer ${gateway.token}`, ...type, ...sent.headers };
  const answer = await send(gateway.url, { ...sent, headers });
  expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(says)]);
  const place = (sent.path ?? PATH).replace(/\?.*/, '').replace(/account\/[\da-f-]{20,}/, 'account/{id}');
  const [operation] = Object.values(served.paths[place] ?? {});
  const schema = operation?.responses[status]?.content['application/json']?.schema;
  expect(schema && problemOf(schema, JSON.parse(answer.text))).toBeNull();
});

test('the document is served without credentials, in both versions', async () => {
  const [newer, older] = await Promise.all(
    ['', '?version=3.0'].map(async (query) => (await fetch(new URL(`api/openapi.json${query}`, gateway.url))).json()),
  );
  expect([newer, older]).toEqual([served, documentOf('3.0', tables)]);
  expect([served.openapi, documentOf('3.0').openapi]).toEqual(['3.1.1', '3.0.4']);
});

test.each([15, 51])(
  'a secret of %i characters is refused with the lengths that the document states',
  async (length) => {
    const body = JSON.stringify({ Name: 'shop', Secret: 's'.repeat(length), UserID: randomUUID() });
    const headers = { Authorization: `Bearer ${gateway.token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(new URL('api/v1/admin/clients', gateway.url), { method: 'POST', headers, body });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining(`expected 16 to 50 characters, not only blanks, got ${length}`),
    ]);
  },
);

test.each([
  ['another version', 'GET', '?version=2.0', 400],
  ['another method', 'POST', '', 405],
])('a request of the document with %s is refused', async (_, method, query, status) => {
  const answer = await fetch(new URL(`api/openapi.json${query}`, gateway.url), { method });
  expect([answer.status, await answer.json()]).toMatchObject([
    status,
    { errors: [{ extensions: { outcome: 'NOT_SENT' } }] },
  ]);
});
