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

interface Explained {
  readonly creates: readonly Readonly<
    Record<string, { body: string; curl: string; problem?: string; headers: object }>
  >[];
  readonly problems: readonly string[];
}

async function explainJson(value: unknown, env: Environment = {}): Promise<Explained> {
  const { result } = await explain(['--json', '-'], readConfig(env, 'serve'), async () =>
    Buffer.from(JSON.stringify(value)),
  );
  return JSON.parse(result) as Explained;
}

async function problemsOf(value: unknown, env: Environment = {}): Promise<string> {
  return (await explain(['-'], readConfig(env, 'serve'), async () => Buffer.from(JSON.stringify(value)))).problems;
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

    const { creates, problems } = await explainJson({ input }, env);
    expect(problems).toEqual([]);
    const explained = creates[0]?.[format];
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
    const { creates } = await explainJson(SAMPLE_INPUT, env);
    const { result } = await explain([JSON.stringify(SAMPLE_INPUT)], readConfig(env, 'serve'), async () => Buffer.of());
    expect(result).toContain(`UPSTREAM_FORMAT is ${format}.`);
    expect(result).toContain(`\n${creates[0]?.[format]?.body}\n`);
    expect(result).toContain("'https://service.example/base/api/v2/admin/tasks/account'\n");
  });
});

describe('the input of explain', () => {
  const bodies = async (value: unknown) =>
    (await explainJson(value)).creates.map(({ json }) => JSON.parse(json?.body ?? '') as object);

  test('may be the input, the variables or a whole request', async () => {
    const [input] = await bodies(SAMPLE_INPUT);
    expect(input).toMatchObject({ TaskID: SAMPLE_INPUT.taskId, Frequency: 0 });
    expect(await bodies({ input: SAMPLE_INPUT })).toEqual([input]);
    const query = CREATE.replaceAll('$input', '$other');
    expect(await bodies({ query, variables: { other: SAMPLE_INPUT } })).toEqual([input]);
  });

  test('may create several tasks, in aliases or as a batch', async () => {
    const other = { ...SAMPLE_INPUT, parameters: '[2]' };
    const aliases = `mutation ($a: CreateAccountTaskInput!, $b: CreateAccountTaskInput!) {
      a: createAccountTask(input: $a) { accountTask { id } } b: createAccountTask(input: $b) { accountTask { id } } }`;
    const batch = `mutation ($all: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $all) { __typename } }`;
    const expected = [{ Parameters: SAMPLE_INPUT.parameters }, { Parameters: '[2]' }];
    expect(await bodies({ query: aliases, variables: { a: SAMPLE_INPUT, b: other } })).toMatchObject(expected);
    const inputs = [{ input: SAMPLE_INPUT }, { input: other, idempotencyKey: 'k' }];
    expect(await bodies({ query: batch, variables: { all: inputs } })).toMatchObject(expected);
    expect(await bodies({ inputs })).toMatchObject(expected);
  });

  test.each([
    ['UTF-8', bytesOf],
    ['UTF-8 with a byte order mark', (text: string) => bytesOf(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => utf16(text, 'little', true)],
    ['UTF-16 in the other order', (text: string) => utf16(text, 'big', true)],
  ])('may be a file in %s', async (_, encode) => {
    const text = JSON.stringify({ ...SAMPLE_INPUT, parameters: '"ключ 値 🗝"' });
    const { result } = await explain(['--json', 'input.json'], readConfig({}, 'serve'), async () => encode(text));
    const { creates } = JSON.parse(result) as Awaited<ReturnType<typeof explainJson>>;
    expect(creates.map(({ json }) => JSON.parse(json?.body ?? '') as object)).toMatchObject([
      { Parameters: '"ключ 値 🗝"' },
    ]);
  });

  test('is refused if its bytes are not text', async () => {
    const reading = explain(['input.json'], readConfig({}, 'serve'), async () => Uint8Array.of(0x7b, 0xff, 0x7d));
    await expect(reading).rejects.toThrow('input.json: cannot be read: the text is not valid UTF-8');
  });

  test.each([
    [[], 'takes one argument: a file, - for standard input, or JSON'],
    [['a', 'b'], 'takes one argument: a file, - for standard input, or JSON'],
    [['{'], 'the text: is not JSON'],
    [['a.json'], 'a.json: cannot be read: no such file'],
    [['--colour', '-'], "Unknown option '--colour'"],
  ])('is refused if it is %j', async (args, problem) => {
    await expect(explain(args, readConfig({}, 'serve'), failToRead)).rejects.toThrow(problem);
  });
});

describe('a problem that would refuse a create', () => {
  test.each([
    [{ ...SAMPLE_INPUT, taskId: '7' }, {}, 'BAD_USER_INPUT: input.taskId: expected a GUID'],
    [
      { ...SAMPLE_INPUT, startDate: 'soon' },
      {},
      'BAD_USER_INPUT: Variable "$input" got invalid value "soon" at "input.startDate"',
    ],
    [{ ...SAMPLE_INPUT, parameters: '{' }, {}, 'BAD_USER_INPUT: input.parameters: '],
    [
      { ...SAMPLE_INPUT, frequency: 'DAILY' },
      { TASK_FREQUENCIES: 'NONE,OFTEN' },
      'Expected one of NONE, OFTEN, got "DAILY"',
    ],
    [{ ...SAMPLE_INPUT, contentType: undefined }, {}, '"contentType"'],
    [{ input: SAMPLE_INPUT, idempotencyKey: '' }, {}, 'BAD_USER_INPUT: idempotencyKey: expected 1 to 255 characters'],
    [
      { input: SAMPLE_INPUT, idempotencyKey: 'k' },
      { UPSTREAM_URL: 'http://a/', RECORD: 'off' },
      'idempotencyKey: cannot be honoured',
    ],
    [{ query: 'mutation {' }, {}, 'Syntax Error'],
    [
      { query: '{ accountTasks { edges { cursor } } }' },
      {},
      'BAD_USER_INPUT: the request: reads tasks, but only creates can be explained',
    ],
  ])('is reported with its field: %j', async (value, env, problem) => {
    expect(await problemsOf(value, env)).toContain(problem);
  });

  test('is reported for an item of a batch, too', async () => {
    const inputs = [{ input: SAMPLE_INPUT }, { input: { ...SAMPLE_INPUT, parameters: '{' } }];
    const { creates, problems } = await explainJson({ inputs });
    expect(creates).toHaveLength(1);
    expect(problems).toEqual([expect.stringContaining('parameters: ')]);
  });

  test('is reported if only one format cannot carry the input, and the other one is still explained', async () => {
    const input = { ...SAMPLE_INPUT, parameters: '"\uFFFF"' };
    const { creates, problems } = await explainJson(input);
    expect(problems).toEqual([]);
    expect(creates[0]?.['xml']?.problem).toContain('which XML 1.0 cannot carry');
    expect(creates[0]?.['json']?.body).toContain('\uFFFF');
    const asXml = await problemsOf(input, { UPSTREAM_URL: 'http://a/', UPSTREAM_FORMAT: 'xml' });
    expect(asXml).toContain('which XML 1.0 cannot carry');
  });
});
