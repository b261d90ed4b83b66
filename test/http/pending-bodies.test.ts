import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../../src/app/embedded.ts';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers, type ParsedAnswer, toRequestText } from '../support/raw-connection.ts';

const gateway = await startStoreGateway({
  mode: 'serve',
  env: { MAX_PENDING_BODY_BYTES: '100000', MAX_ANONYMOUS_BODY_BYTES: '20000', TRUSTED_PROXIES: '127.0.0.1' },
});
afterAll(() => gateway.close());

const AUTHORIZATION = `Authorization: Bearer ${gateway.token}`;
const CREATE = JSON.stringify({
  query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }',
  variables: { input: SAMPLE_INPUT },
});

function head(...headers: readonly string[]): string {
  return headOf('/graphql', ...headers);
}

function headOf(path: string, ...headers: readonly string[]): string {
  return toRequestText([`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', ...headers]);
}

/** Writes a request without the last byte of its body, as a proxy forwards it for a client. */
function unfinished(path: string, bytes: number, client: string, ...headers: readonly string[]): string {
  return headOf(path, `X-Forwarded-For: ${client}`, ...headers, `Content-Length: ${bytes}`) + ' '.repeat(bytes - 1);
}

function readFacts(answer: ParsedAnswer | undefined) {
  const { errors } = JSON.parse(answer?.body ?? '') as { errors: { message: string; extensions: object }[] };
  return { status: answer?.status, ...errors[0] };
}

async function countRefusals(limit: string): Promise<number> {
  const text = await (await fetch(new URL('metrics', gateway.url))).text();
  return Number(new RegExp(`^gateway_refusals_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

/** Fills the budget with bodies of one client; resolves with the answer to the first one that has no room. */
async function fill(client: string): Promise<string> {
  const answers: string[] = [];
  while (answers.length === 0) {
    const { closed } = openRaw(gateway.url, unfinished('/graphql', 30_000, client, AUTHORIZATION));
    void closed.then((answer) => answers.push(answer));
    await fetch(new URL('health', gateway.url));
  }
  return answers[0] ?? '';
}

describe('bodies that stop before their last byte', () => {
  test('are refused beyond the budget, and the connection ends', async () => {
    const before = await countRefusals('pending_body_bytes');
    const [answer, ...others] = parseAnswers(await fill('198.51.100.1'));
    expect(others).toEqual([]);
    expect(readFacts(answer)).toEqual({
      status: 503,
      message: 'The gateway has too many request bodies in memory. Nothing was sent.',
      extensions: {
        code: 'OVERLOADED',
        outcome: 'NOT_SENT',
        retryable: true,
        requestId: answer?.headers.get('x-request-id'),
      },
    });
    expect(answer?.headers.get('connection')).toBe('close');
    expect(await countRefusals('pending_body_bytes')).toBeGreaterThan(before);
  });

  test('leave room for a request that arrives at once, even from the same client', async () => {
    await fill('198.51.100.1');
    const { status, json } = await gateway.graphql(JSON.parse(CREATE) as object, { 'x-forwarded-for': '198.51.100.1' });
    expect([status, json.errors]).toEqual([200, undefined]);
  });

  test('leave half of the budget to another client', async () => {
    await fill('198.51.100.1');
    const padded = CREATE.padEnd(40_000);
    const headers = head(AUTHORIZATION, 'X-Forwarded-For: 203.0.113.9', 'Content-Length: 40000');
    const other = openRaw(gateway.url, headers + padded.slice(0, 30_000));
    await fetch(new URL('health', gateway.url));
    other.write(padded.slice(30_000));
    expect(await other.received(/\}$/)).toMatch(/^HTTP\/1\.1 200 [^]*"createAccountTask"/);
  });
});

test('a body no longer counts after its request has been answered', async () => {
  const { query, variables } = JSON.parse(CREATE) as { query: string; variables: object };
  for (let requests = 0; requests < 10; requests += 1) {
    const { status, json } = await gateway.graphql({ query, variables, extensions: { padding: ' '.repeat(40_000) } });
    expect([status, json.errors]).toEqual([200, undefined]);
  }
});

describe('a gateway with a tiny budget for bodies', async () => {
  const small = await startStoreGateway({ mode: 'serve', env: { MAX_PENDING_BODY_BYTES: '1024' } });
  afterAll(() => small.close());

  test.each(['/graphql', '/api/v2/admin/tasks/account', '/Token'])(
    'refuses a body at %s with OVERLOADED',
    async (path) => {
      const { closed } = openRaw(
        small.url,
        unfinished(path, 3000, '', `Authorization: Bearer ${small.token}`, 'X-Request-Id: r-1'),
      );
      const [answer] = parseAnswers(await closed);
      expect(readFacts(answer)).toMatchObject({
        status: 503,
        extensions: { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true, requestId: 'r-1' },
      });
    },
  );

  test('refuses a body of the embedded fetch handler and cancels it', async () => {
    const embedded = await createGateway({
      env: { DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent', MAX_PENDING_BODY_BYTES: '1024' },
    });
    onTestFinished(() => embedded.close());
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => cancelled.resolve(),
    });
    const response = await embedded.fetch(
      new Request('http://x/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit),
    );
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      errors: [
        { extensions: { code: 'OVERLOADED', outcome: 'NOT_SENT', requestId: response.headers.get('x-request-id') } },
      ],
    });
    await cancelled.promise;
  });
});

describe('a body that needs credentials', () => {
  const answerTo = async (...headers: readonly string[]) => {
    const { received } = openRaw(gateway.url, head(...headers));
    const [answer] = parseAnswers(await received(/\]\}$/));
    return { ...readFacts(answer), headers: answer?.headers };
  };

  test('is refused by its length if there are none', async () => {
    const before = await countRefusals('anonymous_body_bytes');
    expect(await answerTo('Content-Length: 20001')).toMatchObject({
      status: 413,
      message: expect.stringContaining('20000 bytes, the limit without an Authorization header'),
      extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', requestId: expect.any(String) },
    });
    expect(await countRefusals('anonymous_body_bytes')).toBe(before + 1);
  });

  test('is refused before any of it is read if they are bad', async () => {
    const answer = await answerTo('Content-Length: 20001', 'Authorization: Bearer unknown');
    expect(answer).toMatchObject({
      status: 401,
      message: expect.stringContaining('bearer token is unknown'),
      extensions: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false },
    });
    expect(answer.headers?.get('www-authenticate')).toBe('Bearer');
  });

  test.each([
    ['Authorization: Bearer unknown', 401],
    ['X-None: given', 413],
  ])('is read up to the limit if its length is unknown, with %s', async (header, status) => {
    const { write, received } = openRaw(gateway.url, head('Transfer-Encoding: chunked', header));
    for (let chunks = 0; chunks < 21; chunks += 1) write(`3e8\r\n${' '.repeat(1000)}\r\n`);
    expect(parseAnswers(await received(/\]\}$/))[0]?.status).toBe(status);
  });

  test('is refused with 413 beyond MAX_BODY_BYTES, even if they are bad', async () => {
    expect(await answerTo('Content-Length: 1048577', 'Authorization: Bearer unknown')).toMatchObject({ status: 413 });
  });
});
