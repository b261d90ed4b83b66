import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';
import {
  type Exit,
  type GatewayProcess,
  killUntilEnd,
  startCli,
  temporaryDatabase,
} from './support/gateway-process.ts';
import { seedStore } from './support/seeded-store.ts';

type Line = Readonly<Record<string, unknown>>;

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CREATE =
  'mutation Register($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
/** The values that must not reach a log, whatever goes wrong. */
const SECRETS = ['s3cret-of-the-caller', 's3cret-in-parameters', 's3cret-of-a-client'];

function ask(
  address: URL,
  requestId: string,
  { query = CREATE, parameters = '{}', headers = {} }: { query?: string; parameters?: string; headers?: object } = {},
): Promise<Response> {
  return fetch(new URL('graphql', address), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${SECRETS[0]}`,
      'X-Request-Id': requestId,
      ...headers,
    },
    body: JSON.stringify({ query, variables: { input: { ...SAMPLE_INPUT, parameters } } }),
  });
}

async function stop(gateway: GatewayProcess): Promise<Exit> {
  gateway.kill('SIGTERM');
  return gateway.exit;
}

/** The request lines of a log by request ID. Every line must be JSON. */
function requestLines(stderr: string): ReadonlyMap<string, Line> {
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return new Map(lines.filter(({ msg }) => msg === 'request').map((line) => [String(line['requestId']), line]));
}

async function startService(answer?: Parameters<typeof startRestService>[0]): Promise<URL> {
  const service = await startRestService(answer);
  onTestFinished(() => service.close());
  return service.url;
}

describe('the log of a running gateway', () => {
  test('the log has one line per request, the same for a new document and for a known one', async () => {
    const gateway = startCli(['serve'], { UPSTREAM_URL: (await startService()).href, RECORD: 'off' });
    const address = await gateway.address();
    const headers = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
    await ask(address, 'at-first', { headers });
    await ask(address, 'again', { headers });
    await ask(address, 'refused', { parameters: 'no JSON' });
    await ask(address, 'no-graphql', { query: '{ nothing }' });
    await fetch(new URL('nothing?key=value', address), { headers: { 'X-Request-Id': 'elsewhere' } });
    await fetch(new URL('health', address), { headers: { 'X-Request-Id': 'probe' } });
    const { code, stderr } = await stop(gateway);
    expect(code).toBe(0);

    const lines = requestLines(stderr);
    const created = {
      level: 30,
      time: expect.any(Number),
      traceId: TRACE_ID,
      method: 'POST',
      path: 'graphql',
      status: 200,
      operation: 'Register',
      outcome: 'CREATED',
      durationMs: expect.any(Number),
      upstreamMs: expect.any(Number),
      msg: 'request',
    };
    expect(lines.get('at-first')).toEqual({ ...created, requestId: 'at-first' });
    expect(lines.get('again')).toEqual({ ...created, requestId: 'again' });
    expect(lines.get('refused')).toMatchObject({ operation: 'Register', code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
    expect(lines.get('no-graphql')).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED', outcome: 'NOT_SENT' });
    expect(lines.get('elsewhere')).toMatchObject({ method: 'GET', path: 'other', status: 404 });
    expect([...lines.keys()].toSorted()).toEqual(['again', 'at-first', 'elsewhere', 'no-graphql', 'refused']);
  });

  test('the log has a line for a request whose caller disconnected before its end', async () => {
    const gateway = startCli(['serve'], { UPSTREAM_URL: (await startService()).href, RECORD: 'off' });
    const { hostname, port } = await gateway.address();
    const socket = connect(Number(port), hostname);
    const head = ['POST /graphql HTTP/1.1', 'Host: gateway', 'X-Request-Id: left', 'Content-Type: application/json'];
    socket.write(`${[...head, 'Content-Length: 100', 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`);
    // 100 Continue shows that the request is being read.
    await once(socket, 'data');
    socket.resetAndDestroy();
    await gateway.output(/"requestId":"left".*\n/);
    const lines = requestLines((await stop(gateway)).stderr);
    expect(lines.get('left')).toMatchObject({ path: 'graphql', status: 499, aborted: true });
  });

  test.each(['of a new document', 'of a known document'])(
    'says what became of a create %s whose caller left before its answer',
    async (way) => {
      const held = Promise.withResolvers<null>();
      const arrived = Promise.withResolvers<void>();
      const url = await startService({
        answer: ({ headers }) => {
          if (headers['x-request-id'] !== 'left') return null;
          arrived.resolve();
          return held.promise;
        },
      });
      const gateway = startCli(['serve'], { UPSTREAM_URL: url.href, RECORD: 'off' });
      const address = await gateway.address();
      if (way === 'of a known document') await ask(address, 'stayed');
      const body = JSON.stringify({ query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters: '{}' } } });
      const head = ['POST /graphql HTTP/1.1', 'Host: gateway', 'X-Request-Id: left', 'Content-Type: application/json'];
      const facts = [`Authorization: Bearer ${SECRETS[0]}`, `Content-Length: ${Buffer.byteLength(body)}`];
      const socket = connect(Number(address.port), address.hostname);
      socket.write(`${[...head, ...facts].join('\r\n')}\r\n\r\n${body}`);
      await arrived.promise;
      socket.resetAndDestroy();
      await once(socket, 'close');
      // Its answer shows that the gateway has read everything before it.
      await fetch(new URL('health', address));
      held.resolve(null);
      await gateway.output(/"requestId":"left".*\n/);
      const lines = requestLines((await stop(gateway)).stderr);
      expect(lines.get('left')).toMatchObject({ path: 'graphql', status: 200, outcome: 'CREATED', aborted: true });
    },
  );

  test('the log has requests of the REST face and the store, and probes at debug level', async () => {
    const DATABASE_URL = temporaryDatabase();
    const authorization = await seedStore(DATABASE_URL);
    const gateway = startCli(['serve'], { DATABASE_URL, LOG_LEVEL: 'debug' });
    const address = await gateway.address();
    const post = (requestId: string, TaskID: string) =>
      fetch(new URL('api/v2/admin/tasks/account', address), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: authorization, 'X-Request-Id': requestId },
        body: JSON.stringify({ TaskID, Frequency: 0, Parameters: '{}', ContentType: 'application/json' }),
      });
    await post('created', SAMPLE_INPUT.taskId);
    await post('refused', '00000000-0000-4000-8000-000000000000');
    await fetch(new URL('health', address), { headers: { 'X-Request-Id': 'probe' } });
    const lines = requestLines((await stop(gateway)).stderr);
    expect(lines.get('created')).toMatchObject({ path: 'rest', status: 200, outcome: 'CREATED' });
    expect(lines.get('created')).toHaveProperty('commitMs');
    expect(lines.get('refused')).toMatchObject({ status: 404, code: 'TASK_NOT_FOUND', outcome: 'REJECTED' });
    expect(lines.get('probe')).toMatchObject({ level: 20, path: 'health', status: 200 });
  });

  test('the log keeps every line at an exit, even an immediate one', async () => {
    const held = Promise.withResolvers<null>();
    let arrived = 0;
    const url = await startService({
      answer: ({ headers }) => {
        arrived += 1;
        return headers['x-request-id'] === 'held' ? held.promise : null;
      },
    });
    onTestFinished(() => held.resolve(null));
    const gateway = startCli(['serve'], { UPSTREAM_URL: url.href, RECORD: 'off' });
    const address = await gateway.address();
    const ids = Array.from({ length: 30 }, (_, index) => `request-${index}`);
    for (const id of ids) await ask(address, id);
    ask(address, 'held').catch(() => null);
    await expect.poll(() => arrived, { timeout: 20_000 }).toBe(ids.length + 1);
    gateway.kill('SIGTERM');
    await gateway.output(/"closing"/);
    const { code, stderr } = await killUntilEnd(gateway, 'SIGTERM');
    expect(code).toBe(1);
    expect([...requestLines(stderr).keys()]).toEqual(ids);
  });

  test('the log holds no secret at any level, whatever goes wrong', async () => {
    const failing = await startService({ answer: () => ({ status: 500, body: SECRETS[1] ?? '' }) });
    const env = { LOG_LEVEL: 'debug', DATABASE_URL: temporaryDatabase() };
    const parameters = JSON.stringify(SECRETS[1]);
    const outputs: string[] = [];
    for (const UPSTREAM_URL of [failing.href, 'http://127.0.0.1:1/']) {
      const gateway = startCli(['serve'], { ...env, UPSTREAM_URL });
      const address = await gateway.address();
      await ask(address, 'fails', { parameters });
      await ask(address, 'fails-in-the-lane', { parameters });
      await ask(address, 'cannot-be-used', { parameters: `{${SECRETS[1]}` });
      outputs.push((await stop(gateway)).stderr);
    }
    const own = startCli(['serve'], { ...env, DATABASE_URL: temporaryDatabase() });
    const address = await own.address();
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: SAMPLE_INPUT.taskId,
      client_secret: SECRETS[2] ?? '',
    });
    await fetch(new URL('Token', address), { method: 'POST', body });
    await ask(address, 'unknown-token', { parameters });
    outputs.push((await stop(own)).stderr);
    const [failed = '', unreachable = '', store = ''] = outputs;
    expect(requestLines(failed).get('fails')).toMatchObject({ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' });
    expect(requestLines(unreachable).get('fails-in-the-lane')).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(requestLines(store).get('unknown-token')).toMatchObject({ code: 'UNAUTHENTICATED' });
    for (const secret of SECRETS) expect(outputs.join('')).not.toContain(secret);
  });
});
