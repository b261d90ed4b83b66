import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { startServing } from '../../src/app/serving.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { type RestReply, type RestService, startRestService } from '../support/rest-service.ts';
import { type GatewayProcess, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { type ReceivedSpan, startOtlpReceiver } from './support/otlp-receiver.ts';
import { seedStore } from './support/seeded-store.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_SPAN = '00f067aa0ba902b7';
const TRACED = { traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-01`, tracestate: 'vendor=value' };
const PATH = '/api/v2/admin/tasks/account';
const SECRETS = ['s3cret-of-the-caller', 's3cret-in-parameters', 's3cret-key'];

async function startService(answer: () => RestReply | null = () => null): Promise<RestService> {
  const service = await startRestService({ answer });
  onTestFinished(() => service.close());
  return service;
}

function create(address: URL, headers: Readonly<Record<string, string>> = {}, key?: string): Promise<Response> {
  const query = `mutation Register($input: CreateAccountTaskInput!, $key: String) {
    createAccountTask(input: $input, idempotencyKey: $key) { accountTask { id } }
  }`;
  const input = { ...SAMPLE_INPUT, parameters: JSON.stringify(SECRETS[1]) };
  return fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${SECRETS[0]}`, ...headers },
    body: JSON.stringify({ query, variables: { input, key } }),
  });
}

/** Serves in this process: most traces are the same as those of a process of its own. `stop` resolves when all have been exported. */
async function serve(env: Readonly<Record<string, string>>) {
  const serving = await startServing(readConfig({ PORT: '0', LOG_LEVEL: 'silent', ...env }, 'serve'), 'serve');
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= serving.close({ drainMs: 0 }));
  onTestFinished(stop);
  return { address: serving.address, stop };
}

async function stopProcess(gateway: GatewayProcess): Promise<string> {
  gateway.kill('SIGTERM');
  const { code, stderr } = await gateway.exit;
  expect(code).toBe(0);
  return stderr;
}

interface SpanTree {
  readonly [name: string]: readonly SpanTree[];
}

/** The tree of span names below a parent, in the order in which the spans began. */
function toTree(spans: readonly ReceivedSpan[], parent: string): readonly SpanTree[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((a, b) => Number(a.startNanos - b.startNanos))
    .map(({ name, kind, spanId }) => ({ [`${kind} ${name}`]: toTree(spans, spanId) }));
}

describe('a traced create', () => {
  test('a traced create has spans for the request, its field, each exchange and each commit, for a new document and for a known one', async () => {
    const [collector, service] = [await startOtlpReceiver(), await startService()];
    const gateway = startCli(['serve'], {
      UPSTREAM_URL: service.url.href,
      DATABASE_URL: temporaryDatabase(),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=a-key',
      OTEL_SERVICE_NAME: 'tasks-here',
    });
    const address = await gateway.address();
    for (const key of [`${SECRETS[2]}-1`, `${SECRETS[2]}-2`])
      expect((await create(address, TRACED, key)).status).toBe(200);
    const stderr = await stopProcess(gateway);

    const spans = collector.spans();
    expect(collector.serviceNames()).toEqual(new Set(['tasks-here']));
    expect(collector.headers()[0]).toMatchObject({ 'x-collector-key': 'a-key' });
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    const commit = { 'client COMMIT': [] };
    const request = {
      'server POST /graphql': [{ 'internal createAccountTask': [commit, { [`client POST ${PATH}`]: [] }, commit] }],
    };
    expect(toTree(spans, CALLER_SPAN)).toEqual([request, request]);
    const exchanges = spans.filter(({ name }) => name === `POST ${PATH}`);
    const received = service.requests.map(({ headers }) => [headers['traceparent'], headers['tracestate']]);
    expect(received).toEqual(exchanges.map(({ spanId }) => [`00-${TRACE_ID}-${spanId}-01`, 'vendor=value']));
    expect(exchanges[0]?.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'server.port': Number(service.url.port),
      'url.full': new URL(PATH, service.url).href,
      'http.response.status_code': 200,
    });
    expect(spans.find(({ kind }) => kind === 'server')?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/graphql',
      'url.path': '/graphql',
      'url.scheme': 'http',
      'graphql.operation.name': 'Register',
      'graphql.operation.type': 'mutation',
      'gateway.outcome': 'CREATED',
      'gateway.request_id': expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(spans.find(({ name }) => name === 'COMMIT')?.attributes).toEqual({
      'db.system.name': 'sqlite',
      'db.operation.name': 'COMMIT',
    });
    expect(spans.filter(({ isError }) => isError)).toEqual([]);
    expect(stderr).toContain(`"traceId":"${TRACE_ID}"`);
    for (const secret of SECRETS) expect(collector.text()).not.toContain(secret);
  });

  test('a trace shows which span failed, with its code and outcome', async () => {
    const collector = await startOtlpReceiver();
    const service = await startService(() => ({ status: 500, body: SECRETS[1] ?? '' }));
    const { address, stop } = await serve({
      UPSTREAM_URL: service.url.href,
      RECORD: 'off',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
    });
    const { errors } = (await (await create(address)).json()) as {
      readonly errors: readonly { readonly extensions: { readonly requestId: string } }[];
    };
    await stop();
    const spans = collector.spans();
    const [server, field, exchange] = ['server', 'internal', 'client'].map((kind) =>
      spans.find((span) => span.kind === kind),
    );
    const failure = {
      'gateway.code': 'UPSTREAM_FAILED',
      'gateway.outcome': 'UNKNOWN',
      'error.type': 'UPSTREAM_FAILED',
    };
    expect(spans).toHaveLength(3);
    expect(server).toMatchObject({ parentSpanId: '', isError: true });
    expect(server?.attributes).toMatchObject({ ...failure, 'gateway.request_id': errors[0]?.extensions.requestId });
    expect(field).toMatchObject({ isError: true, attributes: failure });
    expect(exchange).toMatchObject({
      isError: true,
      attributes: { 'http.response.status_code': 500, 'error.type': '500' },
    });
    for (const secret of SECRETS) expect(collector.text()).not.toContain(secret);
  });

  test('a traced create contains the fetch of the gateway’s own token', async () => {
    const [collector, key] = [await startOtlpReceiver(), await createKey('one')];
    const issuer = await startIssuer(key);
    onTestFinished(() => issuer.close());
    const token = { status: 200, body: JSON.stringify({ access_token: SECRETS[2], token_type: 'bearer' }) };
    const service = await startRestService({ answer: ({ path }) => (path === '/Token' ? token : null) });
    onTestFinished(() => service.close());
    const { address, stop } = await serve({
      UPSTREAM_URL: service.url.href,
      UPSTREAM_CLIENT_ID: 'gateway',
      UPSTREAM_CLIENT_SECRET: SECRETS[1] ?? '',
      AUTH_JWKS_URL: issuer.jwksUrl.href,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
      RECORD: 'off',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
    });
    const Authorization = `Bearer ${await signJwt(key)}`;
    expect(await (await create(address, { Authorization })).json()).not.toHaveProperty('errors');
    await stop();
    const exchanges = [{ 'client POST /Token': [] }, { [`client POST ${PATH}`]: [] }];
    expect(toTree(collector.spans(), '')).toEqual([
      { 'server POST /graphql': [{ 'internal createAccountTask': exchanges }] },
    ]);
    for (const secret of SECRETS) expect(collector.text()).not.toContain(secret);
  });

  test('a traced create in the store has its commit below the face that was called', async () => {
    const [collector, DATABASE_URL] = [await startOtlpReceiver(), temporaryDatabase()];
    const authorization = await seedStore(DATABASE_URL);
    const { address, stop } = await serve({ DATABASE_URL, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href });
    await create(address, { Authorization: authorization });
    await fetch(new URL(PATH.slice(1), address), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: JSON.stringify({
        TaskID: SAMPLE_INPUT.taskId,
        Frequency: 0,
        Parameters: '{}',
        ContentType: 'application/json',
      }),
    });
    await fetch(new URL('health', address));
    await stop();
    const commit = { 'client COMMIT': [] };
    expect(toTree(collector.spans(), '')).toEqual([
      { 'server POST /graphql': [{ 'internal createAccountTask': [commit] }] },
      { [`server POST ${PATH}`]: [commit] },
    ]);
  });

  test('a trace that the caller does not sample is not exported, but is passed on to the service', async () => {
    const [collector, service] = [await startOtlpReceiver(), await startService()];
    const { address, stop } = await serve({
      UPSTREAM_URL: service.url.href,
      RECORD: 'off',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
    });
    await create(address, { traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-00` });
    await stop();
    expect(collector.spans()).toEqual([]);
    expect(service.requests[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${TRACE_ID}-[\\da-f]{16}-00$`));
    expect(service.requests[0]?.headers['traceparent']).not.toContain(CALLER_SPAN);
  });
});

describe("OpenTelemetry's switches", () => {
  test.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_TRACES_SAMPLER: 'always_off' }])(
    'send nothing with %j, though the caller keeps its trace',
    async (env) => {
      const [collector, service] = [await startOtlpReceiver(), await startService()];
      const { address, stop } = await serve({
        UPSTREAM_URL: service.url.href,
        RECORD: 'off',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
        ...env,
      });
      await create(address, TRACED);
      await stop();
      expect(collector.text()).toBe('');
    },
  );

  test('OpenTelemetry variables name the service in every trace and can sample traces that callers do not', async () => {
    const [collector, service] = [await startOtlpReceiver(), await startService()];
    const gateway = startCli(['serve'], {
      UPSTREAM_URL: service.url.href,
      RECORD: 'off',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=from-attributes',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    });
    await create(await gateway.address(), { traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-00` });
    const stderr = await stopProcess(gateway);
    expect(collector.spans().length).toBeGreaterThan(0);
    expect(collector.serviceNames()).toEqual(new Set(['from-attributes']));
    expect(collector.text()).toContain('{"key":"deployment.environment.name","value":{"stringValue":"prod"}}');
    expect(stderr).toContain('OTEL_EXPORTER_OTLP_PROTOCOL: ignored: expected http/json');
  });
});

test('an unreachable collector costs a log line and no request', async () => {
  const service = await startService();
  const gateway = startCli(['serve'], {
    UPSTREAM_URL: service.url.href,
    RECORD: 'off',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  });
  const address = await gateway.address();
  for (let count = 0; count < 20; count += 1) expect(await (await create(address)).json()).not.toHaveProperty('errors');
  const stderr = await stopProcess(gateway);
  expect(stderr.match(/(some|the last) traces could not be exported/g)?.length).toBeGreaterThan(0);
  expect(service.tasks).toHaveLength(20);
});

describe('without tracing', () => {
  test('without tracing the caller’s trace headers are passed on unchanged, once per request', async () => {
    const service = await startService();
    const { address, stop } = await serve({ UPSTREAM_URL: service.url.href, RECORD: 'off' });
    await create(address, TRACED);
    await create(address, TRACED);
    await create(address, { traceparent: 'no-traceparent' });
    await stop();
    expect(service.requests.map(({ headers }) => [headers['traceparent'], headers['tracestate']])).toEqual([
      [TRACED.traceparent, TRACED.tracestate],
      [TRACED.traceparent, TRACED.tracestate],
      [undefined, undefined],
    ]);
  });
});
