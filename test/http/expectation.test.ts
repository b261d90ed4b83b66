import { afterAll, describe, expect, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';
import { openRaw, parseAnswers, toRequestText } from '../support/raw-connection.ts';

const gateway = await startStoreGateway({ mode: 'serve' });
afterAll(() => gateway.close());

const REST = '/api/v2/admin/tasks/account';
const JSON_TYPE = 'Content-Type: application/json';
const FORM_TYPE = 'Content-Type: application/x-www-form-urlencoded';
const AUTHORIZATION = `Authorization: Bearer ${gateway.token}`;

/** Writes the headers of a request whose body waits for "100 Continue". */
function expecting(path: string, ...headers: readonly string[]): string {
  return toRequestText([`POST ${path} HTTP/1.1`, 'Host: x', 'Expect: 100-continue', ...headers]);
}

describe('a caller that waits for "100 Continue"', () => {
  test.each([
    ['a body that is too large', '/graphql', 413, [JSON_TYPE, AUTHORIZATION, 'Content-Length: 99999999']],
    ['a large body without credentials', '/graphql', 413, [JSON_TYPE, 'Content-Length: 70000']],
    [
      'a large body with bad credentials',
      '/graphql',
      401,
      [JSON_TYPE, 'Authorization: Bearer x', 'Content-Length: 70000'],
    ],
    ['a body that any web page could send', '/graphql', 403, ['Content-Type: text/plain', 'Content-Length: 5']],
    ['an unknown path', '/nope', 404, [JSON_TYPE, 'Content-Length: 5']],
    ['a compressed body', '/graphql', 415, [JSON_TYPE, 'Content-Encoding: gzip', 'Content-Length: 5']],
    ['an unknown REST path', '/api/nope', 404, [JSON_TYPE, 'Content-Length: 5']],
    ['a REST body without credentials', REST, 401, [JSON_TYPE, 'Content-Length: 5']],
    ['a REST body that is too large', REST, 413, [JSON_TYPE, AUTHORIZATION, 'Content-Length: 99999999']],
    [
      'a REST body with an unsupported type',
      REST,
      415,
      ['Content-Type: text/plain', AUTHORIZATION, 'Content-Length: 5'],
    ],
    ['a REST body without a type', REST, 415, [AUTHORIZATION, 'Transfer-Encoding: chunked']],
    ['a token request that is too large', '/Token', 413, [FORM_TYPE, 'Content-Length: 9000']],
  ])('is answered at once for %s', async (_what, path, status, headers) => {
    const { closed } = openRaw(gateway.url, expecting(path, ...headers));
    const [answer, ...others] = parseAnswers(await closed);
    expect(answer?.status).toBe(status);
    expect(answer?.headers.get('connection')).toBe('close');
    expect(others).toEqual([]);
  });

  test.each([
    ['/graphql', 200, JSON_TYPE, '{"query":"{ __typename }"}'],
    [REST, 400, JSON_TYPE, '{}'],
    ['/Token', 400, FORM_TYPE, 'grant_type=client_credentials'],
  ])('gets it at %s and keeps its connection', async (path, status, type, body) => {
    const { write, received } = openRaw(
      gateway.url,
      expecting(path, type, AUTHORIZATION, `Content-Length: ${body.length}`),
    );
    expect(await received(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    write(body);
    const [, answer] = parseAnswers(await received(/\}$/));
    expect(answer?.status).toBe(status);
    expect(answer?.headers.get('connection')).toBe('keep-alive');
  });
});

describe('a Content-Encoding', () => {
  test.each([
    ['/graphql', 'gzip'],
    ['/graphql', 'identity, br'],
    [REST, 'deflate'],
    ['/Token', 'GZIP'],
  ])('is refused at %s if it is %s', async (path, encoding) => {
    const head = [`POST ${path} HTTP/1.1`, 'Host: x', JSON_TYPE, AUTHORIZATION, `Content-Encoding: ${encoding}`];
    const { received } = openRaw(gateway.url, toRequestText([...head, 'Content-Length: 2'], '{}'));
    const [answer] = parseAnswers(await received(/\]\}$/));
    expect(answer?.status).toBe(415);
    expect(answer?.headers.get('accept-encoding')).toBe('identity');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      errors: [{ extensions: { code: 'BAD_REQUEST', outcome: 'NOT_SENT', requestId: expect.any(String) } }],
    });
  });

  test.each(['identity', 'Identity', ''])('is not refused if it is "%s"', async (encoding) => {
    const { status } = await gateway.graphql({ query: '{ __typename }' }, { 'content-encoding': encoding });
    expect(status).toBe(200);
  });
});
