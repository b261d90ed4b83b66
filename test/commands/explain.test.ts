import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { type Environment, readConfig } from '../../src/app/config.ts';
import { explain } from '../../src/commands/explain.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { type RestRequest, startRestService } from '../support/rest-service.ts';
import { bytesOf, utf16 } from '../support/wire-texts.ts';

const run = promisify(execFile);
const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
/** Headers of the connection or the sender, or different in each request. */
const OTHER = new Set(['host', 'connection', 'authorization', 'x-request-id']);

/** Inputs that a shell, a header or a codec might misread. */
const INPUTS: readonly (readonly [string, object])[] = [
  ['the contract’s sample', SAMPLE_INPUT],
  [
    'only what is required',
    { taskId: SAMPLE_INPUT.taskId, frequency: 'DAILY', parameters: '{}', contentType: 'APPLICATION_JSON' },
  ],
  [
    'shell syntax',
    {
      ...SAMPLE_INPUT,
      parameters: JSON.stringify({ a: String.raw`it's $HOME "!" \\ $(id) ; & | > '' %s \u0041` + '`id`' }),
    },
  ],
  ['line breaks, tabs and other scripts', { ...SAMPLE_INPUT, parameters: '{\r\n\t"ключ": "値 🗝"\n}' }],
  [
    'XML',
    {
      ...SAMPLE_INPUT,
      contentType: 'APPLICATION_XML',
      parameters: '<a b="&quot;">]]>&amp;\r\n</a>'.replace(']]>', ']]&gt;'),
    },
  ],
  ['more than an argument of a command may have', { ...SAMPLE_INPUT, parameters: JSON.stringify("'x".repeat(90_000)) }],
  ['an offset and 100 ns', { ...SAMPLE_INPUT, startDate: '2026-02-22T04:10:00.9543747-03:30', finishDate: null }],
];

type Explained = Readonly<Record<string, { body: string; curl: string; problem?: string }>>;

async function explainText(value: unknown, env: Environment = {}, ...options: readonly string[]): Promise<string> {
  return explain([...options, '-'], readConfig(env, 'serve'), async () => Buffer.from(JSON.stringify(value)));
}

async function explainJson(value: unknown, env: Environment = {}): Promise<Explained> {
  return JSON.parse(await explainText(value, env, '--json')) as Explained;
}

async function failToRead(): Promise<Uint8Array> {
  throw new Error('no such file');
}

function comparable({ method, path, headers, body }: RestRequest) {
  return {
    method,
    path,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OTHER.has(name))),
    body: body.toString('latin1'),
  };
}

describe.each(['json', 'xml'])('explain in %s', (format) => {
  test.each(INPUTS)('returns a curl command that sends the same bytes as a real create: %s', async (_, input) => {
    const service = await startRestService();
    onTestFinished(() => service.close());
    const env = { UPSTREAM_URL: new URL('base/path', service.url).href, UPSTREAM_FORMAT: format, RECORD: 'off' };
    const gateway = await startGateway(openBackend, { env, authorization: 'Bearer abc' });
    onTestFinished(() => gateway.close());
    expect((await gateway.graphql({ query: CREATE, variables: { input } })).json.errors).toBeUndefined();

    const { [format]: explained } = await explainJson({ input }, env);
    expect(explained?.body).toBe(service.requests[0]?.body.toString());
    // Through standard input, since the largest one exceeds the limit of an argument.
    const child = run('sh', ['-s'], { env: { PATH: process.env['PATH'], HOME: '/', TOKEN: 'abc', no_proxy: '*' } });
    child.child.stdin?.end(explained?.curl);
    await child;
    const [real, pasted] = service.requests;
    expect(pasted && comparable(pasted)).toEqual(real && comparable(real));
    expect(pasted?.headers.authorization).toBe('Bearer abc');
  });

  test('prints the same body for people, with its format and address', async () => {
    const env = { UPSTREAM_URL: 'https://service.example/base', UPSTREAM_FORMAT: format };
    const { [format]: explained } = await explainJson(SAMPLE_INPUT, env);
    const result = await explain([JSON.stringify(SAMPLE_INPUT)], readConfig(env, 'serve'), async () => Buffer.of());
    expect(result).toContain(`UPSTREAM_FORMAT is ${format}.`);
    expect(result).toContain(`\n${explained?.body}\n`);
    expect(result).toContain("'https://service.example/base/api/v2/admin/tasks/account'");
  });
});

const ID = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
const SECRET = "it's a $secret & more";
const MUTATIONS = [
  ['update', 'updateAccountTask(id: $id, input: $input)', '$id: ID!, $input: UpdateAccountTaskInput!'],
  ['run', 'runAccountTask(id: $id)', '$id: ID!'],
  ['create-client', 'createClient(input: $input)', '$input: CreateClientInput!'],
] as const;
const VARIABLES: Readonly<Record<string, object>> = {
  update: { id: ID, input: { ...SAMPLE_INPUT, enabled: false } },
  run: { id: ID },
  'create-client': { input: { name: 'a client', userId: ID, secret: SECRET } },
};

describe.each(['json', 'xml'])('explain of the other writes in %s', (format) => {
  test.each(MUTATIONS)(
    'returns a curl command that sends the same bytes as a real %s',
    async (name, field, declared) => {
      const service = await startRestService();
      onTestFinished(() => service.close());
      const env = { UPSTREAM_URL: service.url.href, UPSTREAM_FORMAT: format, RECORD: 'off' };
      const gateway = await startGateway(openBackend, { env, authorization: 'Bearer abc' });
      onTestFinished(() => gateway.close());
      await gateway.graphql({
        query: `mutation (${declared}) { ${field} { __typename } }`,
        variables: VARIABLES[name],
      });

      const explained = await explain(['--json', name, '-'], readConfig(env, 'serve'), async () =>
        Buffer.from(JSON.stringify(VARIABLES[name])),
      );
      const { [format]: request } = JSON.parse(explained) as Explained;
      await run('sh', ['-c', request?.curl ?? ''], { env: { PATH: process.env['PATH'], TOKEN: 'abc', no_proxy: '*' } });
      const [real, pasted] = service.requests;
      expect(pasted && comparable(pasted)).toEqual(real && comparable(real));
    },
  );
});

const CLIENT = { name: 'a client', userId: ID, secret: SECRET };

test.each<readonly [string, object, RegExp]>([
  ['update', { input: { ...SAMPLE_INPUT, enabled: 'yes' } }, /^id: .*\ninput\.enabled: .*$/],
  ['update', { id: '7', input: { ...SAMPLE_INPUT, enabled: true } }, /^id: expected a GUID.*$/],
  [
    'update',
    { id: ID, input: { ...SAMPLE_INPUT, enabled: true }, ifModified: '2026-02-22T04:10:00Z' },
    /^ifModified: .*service cannot check it.*$/,
  ],
  ['create-client', { input: { ...CLIENT, name: 'n'.repeat(19) } }, /^input\.name: expected 1 to 18 .*$/],
  ['create-client', { input: { ...CLIENT, secret: SECRET.repeat(3) } }, /^input\.secret: expected 1 to 50 .*$/],
  ['create-client', { input: { ...CLIENT, userId: '7' } }, /^input\.userId: .*$/],
])('the bad values of %s are named by their paths: %j', async (name, value, problem) => {
  const explaining = explain([name, JSON.stringify(value)], readConfig({}, 'serve'), failToRead);
  await expect(explaining).rejects.toThrow(problem);
});

describe('the input of explain', () => {
  const bodyOf = async (value: unknown) => JSON.parse((await explainJson(value))['json']?.body ?? '') as object;

  test('may be the input, or variables with it', async () => {
    const body = await bodyOf(SAMPLE_INPUT);
    expect(body).toMatchObject({ TaskID: SAMPLE_INPUT.taskId, Frequency: 0 });
    expect(await bodyOf({ input: SAMPLE_INPUT, idempotencyKey: 'k' })).toEqual(body);
  });

  test.each([
    ['UTF-8', bytesOf],
    ['UTF-8 with a byte order mark', (text: string) => bytesOf(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => utf16(text, 'little', true)],
    ['UTF-16 in the other order', (text: string) => utf16(text, 'big', true)],
  ])('may be a file in %s', async (_, encode) => {
    const text = JSON.stringify({ ...SAMPLE_INPUT, parameters: '"ключ 値 🗝"' });
    const result = await explain(['--json', 'input.json'], readConfig({}, 'serve'), async () => encode(text));
    const { json } = JSON.parse(result) as Explained;
    expect(JSON.parse(json?.body ?? '')).toMatchObject({ Parameters: '"ключ 値 🗝"' });
  });

  test('is refused if its bytes are not text', async () => {
    const reading = explain(['input.json'], readConfig({}, 'serve'), async () => Uint8Array.of(0x7b, 0xff, 0x7d));
    await expect(reading).rejects.toThrow('input.json: cannot be read: the text is not valid UTF-8');
  });

  test.each([
    [[], 'takes a write (create, update, run, create-client; create if none is named) and its input'],
    [['update', 'a', 'b'], 'takes a write (create, update, run, create-client; create if none is named) and its input'],
    [['destroy', 'a.json'], 'takes a write'],
    [['run'], '"run" needs its input: a file, - for standard input, or JSON.'],
    [['update', '{}'], 'expected the variables of updateAccountTask: id, input'],
    [['run', `{ "accountTaskId": "${ID}" }`], 'expected the variables of runAccountTask: id'],
    [['{'], 'the text: is not JSON'],
    [['a.json'], 'a.json: cannot be read: no such file'],
    [['--colour', '-'], "Unknown option '--colour'"],
  ])('is refused if it is %j', async (args, problem) => {
    await expect(explain(args, readConfig({}, 'serve'), failToRead)).rejects.toThrow(problem);
  });
});

describe('a problem that would refuse a create', () => {
  test.each([
    [{ ...SAMPLE_INPUT, taskId: '7' }, {}, 'input.taskId: expected a GUID'],
    [{ ...SAMPLE_INPUT, startDate: 'soon' }, {}, 'input.startDate: expected an ISO 8601'],
    [{ ...SAMPLE_INPUT, parameters: '{' }, {}, 'input.parameters: is not JSON'],
    [
      { ...SAMPLE_INPUT, frequency: 'DAILY' },
      { TASK_FREQUENCIES: 'NONE,OFTEN' },
      'input.frequency: expected one of NONE, OFTEN, got "DAILY"',
    ],
    [{ ...SAMPLE_INPUT, contentType: undefined }, {}, 'input: Field "contentType"'],
    [{ query: '{ __typename }' }, {}, 'input: Field "query" is not defined'],
    [{ input: SAMPLE_INPUT, idempotencyKey: '' }, {}, 'idempotencyKey: expected 1 to 255 characters'],
    [{ input: SAMPLE_INPUT, idempotencyKey: 7 }, {}, 'idempotencyKey: String cannot represent a non string value: 7'],
    [
      { input: SAMPLE_INPUT, idempotencyKey: 'k' },
      { UPSTREAM_URL: 'http://a/', RECORD: 'off' },
      'idempotencyKey: cannot be honoured',
    ],
  ])('is reported with its field: %j', async (value, env, problem) => {
    await expect(explainText(value, env)).rejects.toThrow(problem);
  });

  test('is reported together with the others that GraphQL refuses', async () => {
    const input = { ...SAMPLE_INPUT, startDate: 'soon', frequency: 'NEVER' };
    const explaining = explainText({ input, idempotencyKey: 7 });
    await expect(explaining).rejects.toThrow(/^idempotencyKey: .*\ninput\.frequency: .*\ninput\.startDate: .*$/);
  });

  test('is reported if only one format cannot carry the input, and the other one is still explained', async () => {
    const input = { ...SAMPLE_INPUT, parameters: '"\uFFFF"' };
    const { xml, json } = await explainJson(input);
    expect(xml?.problem).toContain('which XML 1.0 cannot carry');
    expect(json?.body).toContain('\uFFFF');
    const asXml = explainText(input, { UPSTREAM_URL: 'http://a/', UPSTREAM_FORMAT: 'xml' });
    await expect(asXml).rejects.toThrow('which XML 1.0 cannot carry');
  });
});
