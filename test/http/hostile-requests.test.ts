import { request } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { jsonText } from '../support/request-texts.ts';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const LIST = { query: '{ accountTasks(first: 100) { edges { node { id parameters } } } }' };

async function listTasks(): Promise<readonly { readonly id: string; readonly parameters: string }[]> {
  const { json } = await gateway.graphql(LIST);
  const { accountTasks } = json.data as unknown as {
    accountTasks: { edges: { node: { id: string; parameters: string } }[] };
  };
  return accountTasks.edges.map(({ node }) => node);
}

/** Sends exactly these bytes, with any target and headers. */
function send(
  target: string,
  headers: Record<string, string>,
  body: Buffer | string = '',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = gateway.url;
    const options = { hostname, port, path: target, method: body.length > 0 ? 'POST' : 'GET', headers };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    outgoing.on('error', reject).end(body);
  });
}

describe('a document that asks for many pages', () => {
  test('may ask for ten pages, but not for more', async () => {
    const pages = (count: number) =>
      gateway.graphql({
        query: `{ ${Array.from({ length: count }, (_, index) => `a${index}: accountTasks { edges { cursor } }`).join(' ')} }`,
      });
    expect((await pages(10)).json.errors).toBeUndefined();
    const { json } = await pages(11);
    expect(json.errors?.[0]?.message).toContain('expected at most 10 pages in one request, got 11');
    expect(json.data).toBeNull();
  });
});

describe('bytes that are not UTF-8', () => {
  test('are refused and not stored as U+FFFD', async () => {
    const before = await listTasks();
    const input = { ...SAMPLE_INPUT, parameters: '"M\u00fcller"' };
    const query =
      'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
    const body = Buffer.from(JSON.stringify({ query, variables: { input } }), 'latin1');
    for (const type of ['application/json', 'application/json; charset=iso-8859-1']) {
      const { status, text } = await send(
        '/graphql',
        { 'content-type': type, authorization: `Bearer ${gateway.token}` },
        body,
      );
      expect(status).toBe(400);
      expect(text).toContain('UTF-8');
      expect(text).toContain('NOT_SENT');
    }
    expect(await listTasks()).toEqual(before);
  });

  test('are refused in the escapes of a form, too', async () => {
    const before = await listTasks();
    const query = `mutation { createAccountTask(input: { taskId: "${SAMPLE_INPUT.taskId}", frequency: NONE,
      contentType: APPLICATION_JSON, parameters: "{\\"100%\\": \\"M\u00fcller\\"}" }) { accountTask { parameters } } }`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      authorization: `Bearer ${gateway.token}`,
    };
    const form = new URLSearchParams({ query }).toString();
    const { status, text } = await send('/graphql', headers, form.replace('%C3%BC', '%FC'));
    expect(status).toBe(400);
    expect(text).toContain('UTF-8');
    expect(text).toContain('NOT_SENT');
    expect(await listTasks()).toEqual(before);
    const readable = await send('/graphql', headers, form.replace('100%25', '100%'));
    expect(readable.text).toContain(String.raw`{\"100%\": \"Müller\"}`);
  });
});

describe('several creates, one of which fails', () => {
  test('report what was created before, which the answer shows nowhere else', async () => {
    const query = `mutation ($good: CreateAccountTaskInput!, $bad: CreateAccountTaskInput!) {
      first: createAccountTask(input: $good) { replayed }
      second: createAccountTask(input: $bad) { replayed }
    }`;
    const variables = { good: SAMPLE_INPUT, bad: { ...SAMPLE_INPUT, taskId: 'x' } };
    for (const _ of ['at first', 'again']) {
      const { json } = await gateway.graphql({ query, variables });
      const [newest] = await listTasks();
      expect(json.data).toBeNull();
      expect(json.errors).toHaveLength(1);
      expect(json.errors?.[0]).toMatchObject({
        path: ['second'],
        extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', created: [{ path: 'first', id: newest?.id }] },
      });
    }
  });
});

describe('the demo', () => {
  test('shows its token only for host names of this machine', async () => {
    const accept = 'text/html';
    const foreign = await send('/graphql', { host: 'evil.example', accept });
    expect(foreign.status).toBe(403);
    expect(foreign.text).not.toContain(gateway.token);
    expect(JSON.parse(foreign.text)).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN', outcome: 'NOT_SENT', requestId: expect.any(String) as unknown } }],
    });
    for (const host of ['127.0.0.1:4000', 'localhost', '[::1]:4000']) {
      expect((await send('/graphql', { host, accept })).text).toContain(gateway.token);
    }
  });
});

describe('a request target that is a whole address, as sent by proxies,', () => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.token}` };
  const create = JSON.stringify({
    query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }',
    variables: { input: SAMPLE_INPUT },
  });
  const created = '{"data":{"createAccountTask":{"replayed":false}}}';

  test.each(['http://gateway.example', 'https://gateway.example:8443', 'HTTP://[::1]'])(
    'is accepted: %s',
    async (origin) => {
      expect((await send(`${origin}/health`, {})).text).toBe('{"status":"ok"}');
      expect((await send(origin, {})).status).toBe(200);
      const query = await send(`${origin}/graphql?query=%7B__typename%7D`, { accept: 'application/json' });
      expect(query.text).toBe('{"data":{"__typename":"Query"}}');
      for (const _ of ['at first', 'again'])
        expect(await send(`${origin}/graphql`, headers, create)).toEqual({ status: 200, text: created });
      const rest = await send(`${origin}/api/v2/admin/tasks/account`, headers, jsonText());
      expect(rest).toEqual({ status: 200, text: expect.stringContaining('"Result":"CREATED"') });
    },
  );
});
