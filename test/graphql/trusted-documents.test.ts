import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { readTrustedDocuments } from '../../src/graphql/trusted-documents.ts';
import { bytesOf, utf16 } from '../support/wire-texts.ts';
import { type GatewayAnswer, SAMPLE_INPUT, startStoreGateway, type StoreGateway } from '../support/running-gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'trusted-'));
const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

const CREATE =
  'mutation Create($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
const LIST = 'query List($first: Int) { accountTasks(first: $first) { edges { node { id } } } }';
const TYPENAME = '{ __typename }';
const TYPE = '{ __type(name: "AccountTask") { name } }';
/** A SHA-256, a SHA-1 (the default of the client preset), and IDs that are not hashes. */
const IDS = { create: hash('sha256', CREATE), list: hash('sha1', LIST), typename: 'typename', type: '__proto__' };
const MANIFEST = writeManifest(
  `{"${IDS.create}":${JSON.stringify(CREATE)},"${IDS.list}":${JSON.stringify(LIST)},"${IDS.typename}":"${TYPENAME}","${IDS.type}":${JSON.stringify(TYPE)}}`,
);

const env = { TRUSTED_DOCUMENTS: MANIFEST };
const gateway = await startStoreGateway({ mode: 'serve', env });
const free = await startStoreGateway({ mode: 'serve' });
afterAll(async () => {
  await Promise.all([free.close(), gateway.close()]);
  rmSync(folder, { recursive: true });
});

function hash(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

function writeManifest(content: string | Uint8Array): string {
  const file = join(folder, `${createHash('sha1').update(content).digest('hex')}.json`);
  writeFileSync(file, content);
  return file;
}

const persisted = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });

async function get(of: StoreGateway, parameters: Record<string, string>): Promise<GatewayAnswer> {
  const url = new URL(`graphql?${new URLSearchParams(parameters).toString()}`, of.url);
  const response = await fetch(url, { headers: { authorization: `Bearer ${of.token}` } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as GatewayAnswer['json'] };
}

async function listIds(of: StoreGateway): Promise<readonly string[]> {
  const { json } = await of.graphql({ documentId: IDS.list, variables: { first: 100 } });
  const { accountTasks } = json.data as unknown as { accountTasks: { edges: { node: { id: string } }[] } };
  return accountTasks.edges.map(({ node }) => node.id);
}

describe('a gateway with trusted documents', () => {
  test.each([
    ['documentId', { documentId: IDS.create }],
    ['documentId with the prefix sha256:', { documentId: `sha256:${IDS.create}` }],
    ['extensions.persistedQuery', persisted(IDS.create)],
    [
      'extensions.persistedQuery with more around it',
      { extensions: { ...persisted(IDS.create).extensions, other: 1 } },
    ],
    ['documentId and extensions, if they agree', { documentId: IDS.create, ...persisted(IDS.create) }],
    ['documentId with an operationName', { documentId: IDS.create, operationName: 'Create' }],
    ['documentId with a null query', { documentId: IDS.create, query: null }],
  ])('a trusted document runs by its %s', async (_what, body) => {
    for (const _ of ['once', 'and again']) {
      const before = await listIds(gateway);
      const { status, json } = await gateway.graphql({ ...body, variables: { input: SAMPLE_INPUT } });
      expect(status).toBe(200);
      expect(json.errors).toBeUndefined();
      const { id } = (json.data as unknown as { createAccountTask: { accountTask: { id: string } } }).createAccountTask
        .accountTask;
      expect(await listIds(gateway)).toEqual([id, ...before]);
    }
  });

  test.each([
    ['documentId', { documentId: IDS.list }],
    ['extensions', { extensions: JSON.stringify(persisted(IDS.list).extensions) }],
  ])('a trusted query runs by GET too, by its %s', async (_what, parameters) => {
    const { status, json } = await get(gateway, { ...parameters, variables: '{"first":1}' });
    expect([status, json.errors]).toEqual([200, undefined]);
    expect(json.data).toHaveProperty('accountTasks.edges');
  });

  test('a trusted mutation does not run by GET', async () => {
    const before = await listIds(gateway);
    const { status } = await get(gateway, {
      documentId: IDS.create,
      variables: JSON.stringify({ input: SAMPLE_INPUT }),
    });
    expect(status).toBe(405);
    expect(await listIds(gateway)).toEqual(before);
  });

  test('a trusted document may have any ID and may use introspection', async () => {
    expect((await gateway.graphql({ documentId: IDS.typename })).json.data).toEqual({ __typename: 'Query' });
    expect((await gateway.graphql({ documentId: IDS.type })).json.data).toEqual({ __type: { name: 'AccountTask' } });
  });

  test.each([
    ['a text', { query: TYPENAME }],
    ['the text of a trusted document', { query: CREATE }],
    ['a text with its hash', { query: CREATE, ...persisted(IDS.create) }],
    ['another text under a trusted hash', { query: TYPE, documentId: IDS.create }],
    ['an empty text', { query: '' }],
  ])('a request with %s is refused', async (_what, body) => {
    const before = await listIds(gateway);
    for (const _ of ['once', 'and again']) {
      const { status, json } = await gateway.graphql({ ...body, variables: { input: SAMPLE_INPUT } });
      expect(status).toBe(200);
      expect(json.data).toBeUndefined();
      expect(json.errors).toMatchObject([
        {
          message: expect.stringContaining('trusted documents only'),
          extensions: { code: 'PERSISTED_QUERY_ID_REQUIRED', outcome: 'NOT_SENT', retryable: false },
        },
      ]);
    }
    expect(await listIds(gateway)).toEqual(before);
  });

  test.each([
    ['by an unknown hash', { documentId: hash('sha256', 'x') }],
    ['by an unknown hash in its extensions', persisted(hash('sha256', 'x'))],
    ['by an empty ID', { documentId: '' }],
    ['by the name of an object property', { documentId: 'constructor' }],
    ['by an upper-case hash', { documentId: IDS.create.toUpperCase() }],
    ['by a hash with a leading space', { documentId: ` ${IDS.create}` }],
  ])('a trusted document is not found %s', async (_what, body) => {
    const { status, json } = await gateway.graphql({ ...body, variables: { input: SAMPLE_INPUT } });
    expect(status).toBe(200);
    expect(json.errors).toMatchObject([
      {
        message: 'documentId: the hash is not among the trusted documents of this gateway.',
        extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST', outcome: 'NOT_SENT' },
      },
    ]);
    const accept = 'application/graphql-response+json';
    expect((await gateway.graphql(body, { accept })).status).toBe(400);
  });

  test.each([
    ['nothing', {}],
    ['null', { documentId: null }],
    ['a number', { documentId: 1 }],
    ['a list', { documentId: [IDS.create] }],
    ['an object', persisted({})],
    ['two different hashes', { documentId: IDS.create, ...persisted(IDS.list) }],
    ['in extensions that are a string', { extensions: 'persistedQuery' }],
    ['beside extensions that are a list', { documentId: IDS.create, extensions: [] }],
    ['beside a query that is a number', { query: 1, documentId: IDS.create }],
    ['beside an unknown parameter', { documentId: IDS.create, foo: 1 }],
  ])('a request whose document ID is %s is malformed', async (_what, body) => {
    for (const _ of ['once', 'and again']) {
      const { status, json } = await gateway.graphql({ variables: { input: SAMPLE_INPUT }, ...body });
      expect(status).toBe(400);
      expect(json.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT' } }]);
    }
  });

  test('a batch of trusted documents is refused', async () => {
    const { status, json } = await gateway.graphql([{ documentId: IDS.typename }, { query: TYPENAME }]);
    expect(status).toBe(400);
    expect(json.data).toBeUndefined();
  });
});

test('a gateway without trusted documents does not accept a documentId', async () => {
  for (const body of [{ documentId: IDS.create }, persisted(IDS.create)])
    expect((await free.graphql(body, { accept: 'application/graphql-response+json' })).status).toBe(400);
});

const apollo = (operations: unknown) => ({ format: 'apollo-persisted-query-manifest', version: 1, operations });

describe('a manifest', () => {
  test('reads the manifests of the client preset, Relay and Apollo', () => {
    expect(readTrustedDocuments(MANIFEST, schema).size).toBe(4);
    const operations = [
      { id: IDS.create, name: 'Create', type: 'mutation', body: CREATE },
      { id: 'list', name: 'List', type: 'query', body: LIST },
    ];
    const documents = readTrustedDocuments(writeManifest(JSON.stringify(apollo(operations))), schema);
    expect(documents.get(`sha256:${IDS.create}`)).toBe(CREATE);
    expect(documents.get('list')).toBe(LIST);
    expect(documents.get('toString')).toBeUndefined();
  });

  test('reads the manifest that the code generator writes for this project', () => {
    const file = fileURLToPath(new URL('../../trusted-documents.json', import.meta.url));
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const documents = readTrustedDocuments(file, schema);
    expect(documents.size).toBeGreaterThan(0);
    for (const [id, text] of Object.entries(manifest)) expect(documents.get(id)).toBe(text);
  });

  test.each([
    ['UTF-8 with a byte order mark', bytesOf(`\uFEFF${JSON.stringify({ [IDS.create]: CREATE })}`)],
    ['UTF-16', utf16(JSON.stringify({ [IDS.create]: CREATE }), 'little', true)],
    ['big-endian UTF-16', utf16(JSON.stringify({ [IDS.create]: CREATE }), 'big', true)],
  ])('reads a manifest in %s', (_, bytes) => {
    expect(readTrustedDocuments(writeManifest(bytes), schema).get(IDS.create)).toBe(CREATE);
  });

  const wrong = hash('sha256', 'x');
  test.each([
    ['{', 'expected JSON: '],
    ['', 'expected JSON: '],
    ['[]', 'expected a JSON object that maps hashes to documents'],
    ['null', 'expected a JSON object that maps hashes to documents'],
    ['"documents"', 'expected a JSON object that maps hashes to documents'],
    ['{}', 'expected at least one document, got none'],
    [{ documents: { a: TYPENAME } }, '"documents" is not a string'],
    [{ a: null }, '"a" is not a string'],
    [{ a: '{ __typename' }, '"a" cannot be used: Syntax Error: Expected Name, found <EOF>.'],
    [{ a: '' }, '"a" cannot be used: Syntax Error: Unexpected <EOF>.'],
    [{ ok: TYPENAME, a: '{ nope }' }, '"a" is not valid: Cannot query field "nope" on type "Query".'],
    [{ a: 'query ($x: Int) { __typename }' }, '"a" is not valid: Variable "$x" is never used.'],
    [
      { a: `{${Array.from({ length: 101 }, (_, i) => ` a${i}: __typename`).join('')}}` },
      '"a" cannot be used: The document has more than 100 aliases.',
    ],
    [{ [wrong]: TYPENAME }, `"${wrong}" does not match its SHA-256 hash`],
    [{ [`sha256:${wrong}`]: TYPENAME }, `"sha256:${wrong}" does not match its SHA-256 hash`],
    [{ [`sha256:${IDS.list}`]: LIST }, `"sha256:${IDS.list}" has no 64 hexadecimal digits after sha256:`],
    [apollo([{ id: 'a', body: '{ nope }' }]), '"a" is not valid'],
    [apollo([{ id: 'a' }]), '"a" is not a string'],
    [apollo([]), 'expected at least one document, got none'],
    [apollo({}), '"format" cannot be used'],
  ])('refuses a manifest that cannot be used, with a one-line message: %o', (manifest, problem) => {
    const file = writeManifest(typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    expect(() => readTrustedDocuments(file, schema)).toThrow(`trusted documents in ${file}: ${problem}`);
    expect(() => readTrustedDocuments(file, schema)).not.toThrow(/\n/);
  });

  test('refuses a missing manifest with a one-line message', () => {
    const file = join(folder, 'nowhere.json');
    expect(() => readTrustedDocuments(file, schema)).toThrow(
      `trusted documents in ${file}: the file cannot be read: ENOENT`,
    );
    expect(() => readTrustedDocuments(folder, schema)).toThrow(
      `trusted documents in ${folder}: the file cannot be read: EISDIR`,
    );
  });
});
