import { afterAll, describe, expect, test } from 'vitest';
import { type GraphqlAnswer, SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers, type ParsedAnswer, toRequestText } from '../support/raw-connection.ts';

const gateway = await startStoreGateway({ env: { MAX_BODY_BYTES: '4194304' } });
afterAll(() => gateway.close());

const AUTHORIZATION = `Authorization: Bearer ${gateway.token}`;
const POST = ['POST /graphql HTTP/1.1', 'Host: gateway', 'Content-Type: application/json', AUTHORIZATION];
const CREATE = JSON.stringify({
  query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }',
  variables: { input: SAMPLE_INPUT },
});
const QUERY = '{"query":"{ __typename }"}';
const length = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`;

/** Sends these bytes on one connection, ends it, and returns the answers. */
async function answersTo(bytes: string | Buffer): Promise<readonly ParsedAnswer[]> {
  const { socket, closed } = openRaw(gateway.url, bytes);
  socket.end();
  return parseAnswers(await closed);
}

async function countTasks(): Promise<number> {
  const { json } = await gateway.graphql({ query: '{ accountTasks(first: 100) { edges { cursor } } }' });
  return (json.data as unknown as { accountTasks: { edges: unknown[] } }).accountTasks.edges.length;
}

describe('a request that could be read as two', () => {
  const smuggled = toRequestText([...POST, length(CREATE)], CREATE);
  test.each([
    ['with a length and chunks', [...POST, length(smuggled), 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
    ['with chunks and a length', [...POST, 'Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${smuggled}`],
    ['with two lengths', [...POST, 'Content-Length: 0', length(smuggled)], smuggled],
    ['with two lengths in one', [...POST, `Content-Length: 0, ${smuggled.length}`], smuggled],
    ['with a length that has a sign', [...POST, 'Content-Length: +0'], smuggled],
    ['with a length that is negative', [...POST, 'Content-Length: -1'], smuggled],
    ['with a length in another base', [...POST, 'Content-Length: 0x0'], smuggled],
    ['with a length that is not a number', [...POST, 'Content-Length: 0 0'], smuggled],
    ['with chunks of another encoding', [...POST, 'Transfer-Encoding: gzip, chunked'], `0\r\n\r\n${smuggled}`],
    ['with chunks named twice', [...POST, 'Transfer-Encoding: chunked, chunked'], `0\r\n\r\n${smuggled}`],
    ['with two hosts', [...POST, 'Host: other'], smuggled],
    ['with one host twice', [...POST, 'host: gateway'], smuggled],
    ['with chunks by another name', [...POST, 'Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
    [
      'with chunks twice',
      [...POST, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
      `0\r\n\r\n${smuggled}`,
    ],
    ['with chunks behind a tab', [...POST, 'Transfer-Encoding:\x0bchunked'], `0\r\n\r\n${smuggled}`],
    ['with a blank before the colon', [...POST, 'Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`],
    ['with a folded header', [...POST, 'X: y\r\n Transfer-Encoding: chunked'], smuggled],
    ['with a line feed for a line break', [...POST, 'X: y\nContent-Length: 0'], smuggled],
    ['with a carriage return for a line break', [...POST, 'X: y\rContent-Length: 0'], smuggled],
    ['with a NUL in a header', [...POST, 'X: y\0z', 'Content-Length: 0'], smuggled],
    ['with an invalid chunk size', [...POST, 'Transfer-Encoding: chunked'], `0x0\r\n\r\n${smuggled}`],
    [
      'with a chunk size that is too large',
      [...POST, 'Transfer-Encoding: chunked'],
      `FFFFFFFFFFFFFFFFF\r\n${smuggled}`,
    ],
    [
      'with a chunk that is longer than it says',
      [...POST, 'Transfer-Encoding: chunked'],
      `1\r\n{}\r\n0\r\n\r\n${smuggled}`,
    ],
    ['of HTTP 0.9', ['POST /graphql'], smuggled],
    ['of an unknown version', ['POST /graphql HTTP/7.7', ...POST.slice(1), 'Content-Length: 0'], smuggled],
  ])('%s creates nothing and ends the connection', async (_what, head, body) => {
    const before = await countTasks();
    const answers = await answersTo(toRequestText(head, body));
    expect(answers).toMatchObject([{ status: 400, body: expect.stringContaining('"outcome":"NOT_SENT"') }]);
    expect(await countTasks()).toBe(before);
  });

  test.each([
    ['that ends its connection', ['Connection: close']],
    ['of HTTP 1.0', []],
  ])('is not run behind a request %s', async (what, headers) => {
    const before = await countTasks();
    const version = what === 'of HTTP 1.0' ? '1.0' : '1.1';
    const first = toRequestText([`GET /health HTTP/${version}`, 'Host: x', ...headers]);
    expect(await answersTo(first + smuggled)).toMatchObject([{ status: 200, body: '{"status":"ok"}' }]);
    expect(await countTasks()).toBe(before);
  });

  test('does not take the answer from a create that ends its connection', async () => {
    const before = await countTasks();
    const [created, ...others] = await answersTo(smuggled.replace('\r\n', '\r\nConnection: close\r\n') + smuggled);
    expect(created?.body).toContain('"createAccountTask"');
    expect(others).toEqual([]);
    expect(await countTasks()).toBe(before + 1);
  });

  test('is answered twice, in order, if it really is two', async () => {
    const before = await countTasks();
    const [created, asked, ...others] = await answersTo(smuggled + toRequestText([...POST, length(QUERY)], QUERY));
    expect(created?.body).toContain('"createAccountTask"');
    expect(asked?.body).toBe('{"data":{"__typename":"Query"}}');
    expect(others).toEqual([]);
    expect(await countTasks()).toBe(before + 1);
  });

  test('keeps its own answer if garbage follows, and a create that ran is never reported as NOT_SENT', async () => {
    const before = await countTasks();
    const [first] = await answersTo(`${smuggled}\0\0\0 not HTTP\r\n\r\n`);
    // There may be no answer: the connection may end before it is written.
    expect(first?.body ?? '"createAccountTask"').toContain('"createAccountTask"');
    await expect.poll(countTasks).toBe(before + 1);
  });
});

describe('a header value', () => {
  test.each([
    ['X-Request-Id', 'a\r\nSet-Cookie: x=y'],
    ['X-Request-Id', 'a%0d%0aSet-Cookie:%20x=y'],
    ['X-Request-Id', 'a\u560d\u560aSet-Cookie: x=y'],
    ['X-Request-Id', '"><script>alert(1)</script>'],
    ['X-Request-Id', 'x'.repeat(129)],
    ['X-Request-Id', 'a, b'],
    ['Origin', 'https://app.example\r\nSet-Cookie: x=y'],
    ['Authorization', 'Bearer a\r\nX-Request-Id: b\r\nSet-Cookie: x=y'],
    ['Host', 'evil.example\r\nSet-Cookie: x=y'],
    ['Host', 'evil.example/graphql?query={__typename}#'],
    ['Host', 'user:password@evil.example:99999'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Accept', 'text/html\r\nSet-Cookie: x=y'],
  ])('cannot inject anything into an answer: %s: %j', async (name, value) => {
    const others = POST.filter((line) => !line.startsWith(`${name}:`));
    const [answer, ...more] = await answersTo(
      Buffer.from(toRequestText([...others, `${name}: ${value}`, length(QUERY)], QUERY), 'utf8'),
    );
    expect(more).toEqual([]);
    expect([200, 400, 406]).toContain(answer?.status);
    const { headers = new Map<string, string>(), body = '' } = answer ?? {};
    expect(headers.has('set-cookie')).toBe(false);
    expect(headers.get('x-request-id')).toMatch(/^[\w.:-]{1,128}$/);
    expect([...headers.values()].join() + body).not.toMatch(/evil|script|Set-Cookie/);
  });

  test.each([
    ['a line break', 'a\r\nX-Evil: 1'],
    ['a NUL', 'a\0b'],
    ['a surrogate', '\ud800'],
    ['a quote of SQL', "'; DROP TABLE tasks; --"],
    ['a name that every object has', '__proto__'],
    ['text written from right to left', '\u202eabc'],
  ])('an idempotencyKey with %s is an ordinary key or refused', async (_what, idempotencyKey) => {
    const query =
      'mutation ($input: CreateAccountTaskInput!, $idempotencyKey: String) { createAccountTask(input: $input, idempotencyKey: $idempotencyKey) { replayed } }';
    const create = async () =>
      (await gateway.graphql({ query, variables: { input: SAMPLE_INPUT, idempotencyKey } })).json;
    const [first, second] = [await create(), await create()];
    const codes = [first, second].map(({ errors }) => errors?.[0]?.extensions['code']);
    const replayed = [first, second].map(
      ({ data }) => (data?.['createAccountTask'] as { replayed?: boolean } | null | undefined)?.replayed,
    );
    expect([
      [
        ['BAD_USER_INPUT', 'BAD_USER_INPUT'],
        [undefined, undefined],
      ],
      [
        [undefined, undefined],
        [false, true],
      ],
    ]).toContainEqual([codes, replayed]);
  });
});

describe('an unusual method or target', () => {
  test.each([
    ['DELETE /graphql', 405],
    ['PUT /graphql', 405],
    ['PATCH /graphql', 405],
    ['HEAD /graphql', 405],
    ['OPTIONS /graphql', 405],
    ['TRACE /graphql', 405],
    ['PROPFIND /graphql', 405],
    ['OPTIONS *', 404],
    ['GET //graphql', 404],
    ['GET /graphql/', 404],
    ['GET /GRAPHQL', 404],
    ['GET /graphql/../health', 404],
    ['GET /graphql%00', 404],
    ['GET /%67raphql', 404],
    ['GET /graphql;a=b', 404],
    ['GET /graphql?query=%ZZ', 200],
    ['GET /graphql?query=%FF', 200],
    ['GET /graphql?variables={', 400],
    ['GET /graphql?query={__typename}&variables={', 400],
    ['GET /graphql?query={__typename}&extensions=[', 400],
    ['GET /graphql?query={__typename}&variables=[]', 400],
    ['GET /graphql?query={__typename}&query={a}', 200],
    ['GET http://evil.example/graphql?query={__typename}', 200],
    ['GET http://evil.example:99999/graphql?query={__typename}', 200],
    ['GET /constructor', 404],
    ['GET /__proto__', 404],
    ['GET /api/../graphql', 404],
    ['GET graphql', 400],
    ['GET', 400],
    ['FOO /graphql', 400],
    ['get /graphql', 400],
  ])('is answered: "%s" with %i', async (line, status) => {
    const [answer, ...more] = await answersTo(toRequestText([`${line} HTTP/1.1`, 'Host: x']));
    expect(more).toEqual([]);
    expect(answer?.status).toBe(status);
    // An answer to HEAD has no body.
    expect(() => JSON.parse(line.startsWith('HEAD') ? '{}' : (answer?.body ?? '')) as unknown).not.toThrow();
    expect(answer?.body).not.toContain('INTERNAL_SERVER_ERROR');
  });

  test.each(['DELETE', 'PUT', 'PATCH', 'HEAD', 'PROPFIND'])('%s with a JSON body is not run', async (method) => {
    const [answer] = await answersTo(
      toRequestText([`${method} /graphql HTTP/1.1`, ...POST.slice(1), length(CREATE)], CREATE),
    );
    expect(answer?.status).toBe(405);
  });

  test('HTTP/1.1 without a Host is refused, but not HTTP/1.0', async () => {
    expect(await answersTo(toRequestText(['GET /health HTTP/1.1']))).toMatchObject([{ status: 400 }]);
    expect(await answersTo(toRequestText(['GET /health HTTP/1.0']))).toMatchObject([{ status: 200 }]);
  });

  test.each(['a b', 'a/b', 'a?b', 'a#b', 'a@b', 'a:b', 'a, b', 'a,b', '[::1', '::1', 'h\u00f6st', 'a"b', '<a>'])(
    'the malformed Host %j is refused, and the connection ends',
    async (host) => {
      const request = toRequestText(['GET /health HTTP/1.1', `Host: ${host}`]);
      const [answer, ...others] = await answersTo(Buffer.from(request + request, 'latin1'));
      expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('"outcome":"NOT_SENT"') });
      expect(answer?.headers.get('connection')).toBe('close');
      expect(others).toEqual([]);
    },
  );

  test.each(['', 'a', 'A.example.', 'a_b:80', '127.0.0.1:4000', '[::1]', '[2001:db8::1]:80', 'a:', 'xn--hst-sna'])(
    'the Host %j is accepted',
    async (host) => {
      expect(await answersTo(toRequestText(['GET /health HTTP/1.1', `Host: ${host}`]))).toMatchObject([
        { status: 200 },
      ]);
    },
  );

  test('CONNECT is refused with an error body', async () => {
    const [answer] = await answersTo(toRequestText(['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example']));
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('"outcome":"NOT_SENT"') });
  });

  test('HTTP/1.0 gets the length of an answer and may keep its connection', async () => {
    const [, ...headers] = POST;
    const query = toRequestText(['POST /graphql HTTP/1.0', ...headers, 'Connection: keep-alive', length(QUERY)], QUERY);
    const answers = await answersTo(query.repeat(3));
    expect(answers).toHaveLength(3);
    for (const { headers: answered, body } of answers) {
      expect(answered.get('content-length')).toBe(String(body.length));
      expect(answered.get('connection')).toBe('keep-alive');
    }
  });
});

const deep = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

describe('hostile variables', () => {
  const ask = async (
    query: string,
    variables: string,
  ): Promise<{ status: number; json: GraphqlAnswer; text: string }> => {
    const response = await fetch(new URL('graphql', gateway.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.token}` },
      body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
    });
    const text = await response.text();
    return { status: response.status, json: JSON.parse(text) as GraphqlAnswer, text };
  };
  const MUTATION = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';
  const LIST = 'query ($first: Int) { accountTasks(first: $first) { edges { cursor } } }';
  const ENTITIES = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }';
  const manyKeys = `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}`;

  test.each([
    ['nested lists', MUTATION, `{"input":${deep(200_000, '[', ']')}}`],
    ['nested lists in an untyped value', ENTITIES, `{"r":${deep(200_000, '[', ']')}}`],
    ['nested objects', MUTATION, `{"input":${deep(100_000, '{"a":', '}').replace('}', '1}')}}`],
    [
      'nested objects in an untyped value',
      ENTITIES,
      `{"r":[{"__typename":"AccountTask","id":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}]}`,
    ],
    ['nested lists in an unused variable', LIST, `{"x":${deep(200_000, '[', ']')}}`],
    ['many keys', LIST, manyKeys],
    ['many keys in an input', MUTATION, `{"input":${manyKeys}}`],
    ['many keys in an untyped value', ENTITIES, `{"r":[${manyKeys}]}`],
    ['many entities', ENTITIES, `{"r":[${Array(20_000).fill('{"__typename":"AccountTask","id":"x"}').join()}]}`],
    [
      'many items',
      'mutation ($i: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $i) { __typename } }',
      `{"i":[${Array(50_000).fill('{"input":{}}').join()}]}`,
    ],
    ['a very long number', LIST, `{"first":${'9'.repeat(500_000)}}`],
    ['a number with an exponent', LIST, '{"first":1e999999}'],
    ['a prototype', MUTATION, '{"__proto__":{"input":{"taskId":"x"}},"constructor":{"prototype":{"polluted":1}}}'],
    [
      'a prototype in an input',
      MUTATION,
      `{"input":{"__proto__":{"polluted":1,"taskId":"x"},"constructor":{"prototype":{"polluted":1}},"toString":1}}`,
    ],
    [
      'a prototype in an untyped value',
      ENTITIES,
      '{"r":[{"__typename":"__proto__","id":"x"},{"__proto__":{"__typename":"AccountTask"},"constructor":1}]}',
    ],
    ['the same key twice', LIST, '{"first":1,"first":"x"}'],
    ['a date of many digits', MUTATION, `{"input":{"startDate":"2026-02-22T04:10:00.${'0'.repeat(500_000)}Z"}}`],
    ['a GUID of many braces', MUTATION, `{"input":{"taskId":"${'{'.repeat(500_000)}"}}`],
    [
      'a cursor of many letters',
      'query ($a: String) { accountTasks(after: $a) { edges { cursor } } }',
      `{"a":"${'QWNjb3VudFRhc2s6'.repeat(30_000)}"}`,
    ],
  ])('with %s get an ordinary answer', async (_what, query, variables) => {
    const before = await countTasks();
    for (const _ of ['at first', 'again']) {
      const { status, text } = await ask(query, variables);
      expect([200, 400]).toContain(status);
      expect(text).not.toContain('INTERNAL_SERVER_ERROR');
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await gateway.graphql({ query: '{ __typename }' })).json.data).toEqual({ __typename: 'Query' });
    expect(await countTasks()).toBe(before);
  });
});
