import { globSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { openRaw, toRequestText } from '../support/raw-connection.ts';
import { httpAnswer, type RawAnswer, type RawRequest, startRawService } from '../support/raw-service.ts';
import { type GatewayProcess, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { seedStore } from './support/seeded-store.ts';

/** Secrets, each sent in one place, that must not appear in the log. */
const TOKEN = 'c4ller.t0ken-XJ7~q';
const PARAMETERS = 'p4rameters ç of a customer';
const SECRET = 's3cret+of/the.gateway';
const CLIENT_SECRET = 'cl1ent-s3cret of-a-shop';

const CREATE = `mutation ($input: CreateAccountTaskInput!, $idempotencyKey: String) {
  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) { accountTask { id } }
}`;
const JSON_BODY = ['Content-Type: application/json'];
const XML_BODY = ['Content-Type: application/xml'];

/** The whole request as a service may repeat it: plain, as JSON within JSON, and in markup. */
function echo({ head, body }: RawRequest): string {
  const told = `${head}\n${body.toString()}`;
  return `${told} ${JSON.stringify({ told })} ${JSON.stringify(JSON.stringify({ told, headers: { Authorization: /authorization: (.*)/i.exec(head)?.[1] } }))}`;
}

const quoted = (request: RawRequest) => JSON.stringify(echo(request)).slice(1, -1);
const marked = (request: RawRequest) => echo(request).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Failures of a service that repeat the request. */
const FAILURES: Readonly<Record<string, RawAnswer>> = {
  'a reason': (socket, request) =>
    socket.end(
      httpAnswer(200, `{"Error":{"ErrorCode":"${quoted(request)}","ErrorReason":"${quoted(request)}"}}`, JSON_BODY),
    ),
  'a message of the framework': (socket, request) =>
    socket.end(
      httpAnswer(400, `{"Message":"${quoted(request)}","ModelState":{"a":["${quoted(request)}"]}}`, JSON_BODY),
    ),
  'a refusal': (socket, request) =>
    socket.end(httpAnswer(401, echo(request), [`WWW-Authenticate: Bearer error="${TOKEN}"`])),
  'an error page': (socket, request) =>
    socket.end(httpAnswer(500, `<html>${echo(request)}</html>`, ['Content-Type: text/html'])),
  'broken JSON': (socket, request) => socket.end(httpAnswer(200, echo(request), JSON_BODY)),
  'broken XML': (socket, request) => socket.end(httpAnswer(200, `<a>${marked(request)}</b>`, XML_BODY)),
  'XML with its words for names': (socket, request) =>
    socket.end(httpAnswer(200, `<a b="${request.body.toString()}">${request.body.toString()}`, XML_BODY)),
  'no HTTP': (socket, request) => socket.end(`${echo(request)}\r\n\r\n`),
  'a broken header': (socket, request) =>
    socket.end(`HTTP/1.1 200 OK\r\n${request.body.toString()}\r\nX: ${request.head}\r\n\r\n`),
  'a half answer': (socket, request) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n${echo(request)}`),
  'a broken encoding': (socket, request) => socket.end(httpAnswer(200, echo(request), ['Content-Encoding: gzip'])),
  'an answer for a task': (socket, request) =>
    socket.end(httpAnswer(200, `{"ResponseData":{"Detail":{"ID":"${quoted(request)}","TaskID":1}}}`, JSON_BODY)),
  'a redirection': (socket, request) => socket.end(httpAnswer(302, echo(request), [`Location: /?token=${TOKEN}`])),
  nothing: (socket) => socket.destroy(),
};

function create(address: URL, authorization: string, parameters: string, more: object = {}): Promise<Response> {
  return fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: JSON.stringify({ query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters }, ...more } }),
  });
}

/** Asks for a client with a secret, once with an input that does not fit its type. */
async function addClients(address: URL, authorization: string): Promise<void> {
  const query = 'mutation ($input: CreateClientInput!) { tryCreateClient(input: $input) { __typename } }';
  const input = { name: 'shop', userId: '22222222-3333-4444-8555-666666666666', secret: CLIENT_SECRET };
  for (const given of [input, { ...input, name: undefined }, { ...input, name: 'n'.repeat(99) }])
    await (
      await fetch(new URL('graphql', address), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: authorization },
        body: JSON.stringify({ query, variables: { input: given } }),
      })
    ).text();
}

/** All output of a process, after it has ended. */
async function outputOf(gateway: GatewayProcess): Promise<string> {
  gateway.kill('SIGTERM');
  const { stdout, stderr } = await gateway.exit;
  return stdout + stderr;
}

function expectNoSecret(output: string): void {
  const texts = [output, decodeURIComponent(output.replace(/%(?![\da-f]{2})/gi, '%25')), output.replaceAll('\\', '')];
  for (const secret of [TOKEN, PARAMETERS, SECRET, CLIENT_SECRET, 'hunter2'])
    for (const part of secret.split(/[ +/]/).filter((word) => word.length > 4))
      for (const text of texts) expect(text, `"${part}" of ${secret}`).not.toContain(part);
}

describe('the log at debug level', () => {
  test.each(['json', 'xml'])(
    'holds no credentials or Parameters when the service fails and repeats the request as %s',
    async (format) => {
      let answer: RawAnswer = FAILURES['nothing'] as RawAnswer;
      const service = await startRawService((...all) => answer(...all));
      onTestFinished(() => service.close());
      const gateway = startCli(['serve'], {
        LOG_LEVEL: 'debug',
        UPSTREAM_URL: service.url.href,
        UPSTREAM_FORMAT: format,
        DATABASE_URL: temporaryDatabase(),
      });
      const address = await gateway.address();
      const names = Object.keys(FAILURES);
      for (const name of names) {
        answer = FAILURES[name] as RawAnswer;
        // The second has a key, which takes it through the ledger.
        for (const idempotencyKey of [null, `key ${name}`])
          await (await create(address, `Bearer ${TOKEN}`, JSON.stringify(PARAMETERS), { idempotencyKey })).text();
      }
      const creates = service.posts.length;
      for (const name of names) {
        answer = FAILURES[name] as RawAnswer;
        await addClients(address, `Bearer ${TOKEN}`);
      }
      expect(service.posts.slice(creates).some(({ body }) => body.includes('cl1ent'))).toBe(true);
      expect(service.posts.length).toBeGreaterThan(names.length);
      expect(
        service.posts.slice(0, creates).every(({ head, body }) => head.includes(TOKEN) && body.includes('p4rameters')),
      ).toBe(true);
      const output = await outputOf(gateway);
      // The log is not empty: each failure is logged with its request.
      expect(output.match(/"requestId":"[^"]+"/g)?.length).toBeGreaterThan(names.length);
      expect(output).toContain('UPSTREAM_UNREADABLE');
      expectNoSecret(output);
    },
  );

  test('holds no credentials or Parameters when requests are refused or unreadable', async () => {
    const databaseUrl = temporaryDatabase();
    const authorization = await seedStore(databaseUrl);
    const gateway = startCli(['serve'], { LOG_LEVEL: 'debug', DATABASE_URL: databaseUrl });
    const address = await gateway.address();
    for (const parameters of [`{"${PARAMETERS}`, `<${PARAMETERS}>`, `${PARAMETERS}\ud800`])
      for (const contentType of ['APPLICATION_JSON', 'APPLICATION_XML'])
        await (
          await create(address, authorization, parameters, { input: { ...SAMPLE_INPUT, parameters, contentType } })
        ).text();
    await addClients(address, authorization);
    for (const given of [`Bearer ${TOKEN}`, `Basic ${TOKEN}`, TOKEN]) await (await create(address, given, '{}')).text();
    await (await create(address, authorization, '{}', { idempotencyKey: PARAMETERS.repeat(20) })).text();
    for (const type of ['application/json', 'application/xml', 'application/x-www-form-urlencoded'])
      await (
        await fetch(new URL('api/v2/admin/tasks/account', address), {
          method: 'POST',
          headers: { 'Content-Type': type, Authorization: authorization },
          body: `<Parameters>${PARAMETERS} {"Parameters":"${PARAMETERS}" Parameters=${PARAMETERS}`,
        })
      ).text();
    for (const client_id of ['x', '6f9619ff-8b86-d011-b42d-00c04fc964ff'])
      await (
        await fetch(new URL('Token', address), {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: SECRET }),
        })
      ).text();
    for (const bytes of [
      `GET /graphql?secret=${TOKEN} HTTP/9.9\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
      toRequestText(['POST /graphql HTTP/1.1', `Authorization : Bearer ${TOKEN}`, `Cookie: ${TOKEN}`], PARAMETERS),
    ])
      await openRaw(address, bytes).closed;
    const output = await outputOf(gateway);
    expect(output).toContain('wrong credentials');
    expectNoSecret(output);
  });

  test("holds no credentials when the gateway's own sign-in fails and the service repeats its secret", async () => {
    const key = await createKey('a');
    const issuer = await startIssuer(key);
    onTestFinished(() => issuer.close());
    let answer: RawAnswer = FAILURES['nothing'] as RawAnswer;
    const service = await startRawService((...all) => answer(...all));
    onTestFinished(() => service.close());
    const gateway = startCli(['serve'], {
      LOG_LEVEL: 'debug',
      UPSTREAM_URL: service.url.href,
      UPSTREAM_CLIENT_ID: 'gateway',
      UPSTREAM_CLIENT_SECRET: SECRET,
      AUTH_JWKS_URL: issuer.jwksUrl.href,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
      RECORD: 'off',
    });
    const address = await gateway.address();
    const jwt = await signJwt(key);
    for (const each of Object.values(FAILURES)) {
      answer = each;
      await (await create(address, `Bearer ${jwt}`, JSON.stringify(PARAMETERS))).text();
    }
    answer = (socket, request) => socket.end(httpAnswer(200, `{"access_token":"${quoted(request)}"}`, JSON_BODY));
    await (await create(address, `Bearer ${jwt}`, JSON.stringify(PARAMETERS))).text();
    expect(service.posts.some(({ body }) => body.includes(encodeURIComponent(SECRET)))).toBe(true);
    const output = await outputOf(gateway);
    expect(output).toContain('"level":50');
    expect(output).not.toContain(jwt.slice(0, 20));
    expectNoSecret(output);
  });

  test.each(['json', 'xml'])(
    'no log, metric, database or failure holds the secret of a client, even if the service repeats it as %s',
    async (format) => {
      let answer: RawAnswer = FAILURES['nothing'] as RawAnswer;
      const service = await startRawService((...all) => answer(...all));
      onTestFinished(() => service.close());
      const databaseUrl = temporaryDatabase();
      const gateway = startCli(['serve'], {
        LOG_LEVEL: 'debug',
        UPSTREAM_URL: service.url.href,
        UPSTREAM_FORMAT: format,
        DATABASE_URL: databaseUrl,
      });
      const address = await gateway.address();
      const createClient = async (secret: string | null): Promise<string> => {
        const query = `mutation ($input: CreateClientInput!) {
          try: tryCreateClient(input: $input) {
            ... on CreateClientPayload { client { id } secret } ... on WriteFailure { code message errorCode errorReason }
          }
        }`;
        const input = { name: 'a client', userId: '6f9619ff-8b86-d011-b42d-00c04fc964ff', secret };
        const body = JSON.stringify({ query, variables: { input } });
        const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` };
        return (await fetch(new URL('graphql', address), { method: 'POST', headers, body })).text();
      };
      const failures: string[] = [];
      for (const each of Object.values(FAILURES)) {
        answer = each;
        failures.push(await createClient(SECRET), await createClient(null));
      }
      failures.push(await createClient(SECRET.repeat(3)), await createClient(`${SECRET}\ud800`));
      const sent = service.posts.map(({ body }) => /[\w-]{43}/.exec(body.toString())?.[0] ?? '');
      const made = sent.filter((secret) => secret !== '');
      expect(made.length).toBe(Object.keys(FAILURES).length);
      expectNoSecret(failures.join('\n'));

      answer = (socket) =>
        socket.end(httpAnswer(200, '{"ResponseData":{"Detail":{"ID":"6f9619ff8b86d011b42d00c04fc964ff"}}}', JSON_BODY));
      expect(await createClient(SECRET)).toContain(SECRET);
      const metrics = await (await fetch(new URL('metrics', address))).text();
      const output = await outputOf(gateway);
      const files = globSync(`${databaseUrl.slice('sqlite:'.length)}*`).map((path) => readFileSync(path, 'latin1'));
      expect(files.length).toBeGreaterThan(0);
      expectNoSecret([metrics, output, ...files].join('\n'));
      for (const secret of made)
        expect([...failures, metrics, output, ...files].filter((text) => text.includes(secret.slice(0, 20)))).toEqual(
          [],
        );
    },
  );

  test('holds no credentials when the database is unavailable', async () => {
    const gateway = startCli(['serve'], {
      LOG_LEVEL: 'debug',
      DATABASE_URL: `postgres://gateway:hunter2@127.0.0.1:1/tasks?options=hunter2`,
    });
    const { stdout, stderr } = await gateway.exit;
    expect(stderr).toContain('Cannot start');
    expectNoSecret(stdout + stderr);
  });
});
