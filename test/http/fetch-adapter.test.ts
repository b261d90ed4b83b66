import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { createGateway, type EmbeddedGateway } from '../../src/app/embedded.ts';
import { createBodyBudget } from '../../src/http/body-budget.ts';
import { createFetchHandler } from '../../src/http/fetch-adapter.ts';
import { createBodyReader } from '../../src/http/request-body.ts';
import type { Exchange } from '../../src/http/request-handler.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { startStore } from './embedded-store.ts';

const { env, store, authorization, clientId, clientSecret } = await startStore();
const served = await startGateway(openBackend, { env, mode: 'serve' });
const embedded: EmbeddedGateway = await createGateway({ env });
afterAll(async () => {
  await embedded.close();
  await served.close();
  await store.close();
});

const CREATE =
  'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { name } } }';
const REST = 'api/v2/admin/tasks/account';
/** The headers that Node's server adds for its connection. */
const OF_CONNECTION = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

function post(body: BodyInit, headers: Record<string, string> = {}): Init {
  return { method: 'POST', headers: { 'content-type': 'application/json', authorization, ...headers }, body };
}

function create(input: object, headers: Record<string, string> = {}): Init {
  return post(JSON.stringify({ query: CREATE, variables: { input } }), headers);
}

function token(secret: string): Init {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret };
  return { method: 'POST', body: new URLSearchParams(form) };
}

async function facts(response: Response) {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !OF_CONNECTION.has(name)));
  return { status: response.status, headers, body: await response.text() };
}

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Record<string, string> };

/** Sends the request both ways; with a fixed request id, the answers must be equal. */
async function bothWays(path: string, toInit: () => Init) {
  const prepare = (): RequestInit => {
    const init = toInit();
    // `fetch` would add `Accept: */*` itself.
    return {
      ...init,
      duplex: 'half',
      headers: { 'x-request-id': 'r-1', accept: '*/*', ...init.headers },
    } as RequestInit;
  };
  const url = new URL(path, served.url);
  const [byServer, byFetch] = await Promise.all([
    fetch(url, prepare()).then(facts),
    embedded.fetch(new Request(url, prepare())).then(facts),
  ]);
  return { byServer, byFetch };
}

describe('the fetch handler', () => {
  test.each<readonly [string, number, string, () => Init]>([
    ['a create', 200, 'graphql', () => create(SAMPLE_INPUT)],
    ['the same create again', 200, 'graphql', () => create(SAMPLE_INPUT)],
    ['a create without credentials', 200, 'graphql', () => create(SAMPLE_INPUT, { authorization: '' })],
    [
      'a create of an unknown task',
      200,
      'graphql',
      () => create({ ...SAMPLE_INPUT, taskId: '00000000-0000-4000-8000-000000000000' }),
    ],
    ['a bad value', 200, 'graphql', () => create({ ...SAMPLE_INPUT, startDate: 'soon' })],
    ['a malformed document', 200, 'graphql', () => post('{"query":"{"}')],
    ['a body without GraphQL', 400, 'graphql', () => post('[]')],
    ['a query by GET', 200, 'graphql?query={__typename}', () => ({ headers: { authorization } })],
    ['introspection, which is off', 200, 'graphql', () => post('{"query":"{__schema{types{name}}}"}')],
    ['a body that is too large', 413, 'graphql', () => post('x'.repeat(5000))],
    ['a body that is too large, of unknown length', 413, 'graphql', () => post(new Blob(['x'.repeat(5000)]).stream())],
    ['bytes that are not UTF-8', 400, 'graphql', () => post(new Uint8Array([0x22, 0xfc, 0x22]))],
    ['an unsupported method', 405, 'graphql', () => ({ method: 'PUT', body: '{}' })],
    ['REST that is too large', 413, REST, () => post('x'.repeat(5000))],
    ['REST without credentials', 401, REST, () => post('{}', { authorization: 'Bearer x' })],
    ['REST in XML', 400, REST, () => post('<AccountTaskRequest/>', { 'content-type': 'text/xml' })],
    ['a token request with GET', 405, 'Token', () => ({})],
    ['a token request with a wrong secret', 400, 'token', () => token('wrong')],
    ['a health check', 200, 'health', () => ({})],
    ['a health check with HEAD', 200, 'health', () => ({ method: 'HEAD' })],
    ['readiness', 200, 'ready', () => ({})],
    ['an unknown path', 404, 'elsewhere', () => ({})],
  ])('answers %s as the server does, with %i', async (_, status, path, toInit) => {
    const { byServer, byFetch } = await bothWays(path, toInit);
    expect(byServer.status).toBe(status);
    expect(byFetch).toEqual(byServer);
  });

  test('answers a token request with a token that allows a create', async () => {
    const { byServer, byFetch } = await bothWays('Token', () => token(clientSecret));
    expect({ ...byFetch, body: '' }).toEqual({ ...byServer, body: '' });
    const { access_token: given } = JSON.parse(byFetch.body) as { access_token: string };
    const { byFetch: created } = await bothWays('graphql', () =>
      create(SAMPLE_INPUT, { authorization: `Bearer ${given}` }),
    );
    expect(created.body).toContain('"name":"Sample task"');
  });

  test('answers a request for the metrics', async () => {
    const { byServer, byFetch } = await bothWays('metrics', () => ({}));
    expect(byFetch.headers['content-type']).toBe(byServer.headers['content-type']);
    expect(byFetch.body).toMatch(/^gateway_creates_total\{.*code="OK".*\} \d+$/m);
  });
});

/** Creates a fetch handler for one request; `heard` settles as its handler does. */
function handleOnce(handler: (exchange: Exchange) => Promise<unknown>) {
  const heard = Promise.withResolvers<unknown>();
  const readBody = createBodyReader({ budget: createBodyBudget({ maxBytes: 1_000_000 }), toAddress: () => '' });
  const handle = (exchange: Exchange): void => void handler(exchange).then(heard.resolve, heard.reject);
  return { answer: createFetchHandler({ handle, readBody }), heard: heard.promise };
}

describe('a Request', () => {
  test('with a remote address has its failed attempts counted separately', async () => {
    const ask = (remoteAddress: string) =>
      embedded.fetch(
        new Request('http://gateway/Token', {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: crypto.randomUUID(),
            // Longer than any secret, so it is refused without the slow hash.
            client_secret: 'x'.repeat(51),
          }),
        }),
        { remoteAddress },
      );
    const statuses = [];
    for (let attempts = 0; attempts < 31; attempts += 1) statuses.push((await ask('192.0.2.1')).status);
    expect(statuses).toEqual([...Array.from({ length: 30 }, () => 400), 429]);
    expect((await ask('192.0.2.2')).status).toBe(400);
  });

  test('whose caller leaves is rejected, and so is the reading of its body', async () => {
    const caller = new AbortController();
    const { answer, heard } = handleOnce(async (exchange) => exchange.readBody(100));
    const body = new ReadableStream({ pull: () => caller.abort() });
    const init = { method: 'POST', body, signal: caller.signal, duplex: 'half' };
    const request = new Request('http://gateway/', init);
    await expect(answer(request)).rejects.toThrow('The caller left.');
    await expect(heard).rejects.toThrow('The caller left.');
  });

  test.each([
    ['the text of a create', 'graphql', JSON.stringify({ query: CREATE, variables: { input: SAMPLE_INPUT } })],
    ['half a GraphQL request', 'graphql', '{"query":'],
    ['a REST request', REST, JSON.stringify({ TaskID: SAMPLE_INPUT.taskId })],
  ])('whose body breaks off after %s is rejected, creates nothing and logs no error', async (_, path, text) => {
    const sentences: string[] = [];
    const note = (_facts: object, sentence: string): void => void sentences.push(sentence);
    const gateway = await createGateway({ env, log: { debug: note, info: note, warn: note, error: note } });
    onTestFinished(() => gateway.close());
    const readCreates = async () => {
      const response = await gateway.fetch(new Request('http://gateway/metrics'));
      return (await response.text()).split('\n').filter((line) => line.startsWith('gateway_creates_total'));
    };
    const before = await readCreates();
    const cause = new Error('The connection was reset.');
    const pieces = [new TextEncoder().encode(text)];
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece) controller.enqueue(piece);
        else controller.error(cause);
      },
    });
    const request = new Request(new URL(path, 'http://gateway'), { ...post(body), duplex: 'half' } as RequestInit);
    await expect(gateway.fetch(request)).rejects.toMatchObject({
      message: 'The body of the request broke off.',
      cause,
    });
    expect(await readCreates()).toEqual(before);
    await gateway.close();
    expect(sentences).not.toContain('unexpected error');
  });
});
