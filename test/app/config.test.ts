import { describe, expect, test } from 'vitest';
import { type Config, type Environment, readConfig } from '../../src/app/config.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';

const DEFAULTS: Config = {
  host: '127.0.0.1',
  port: 4000,
  databaseUrl: 'sqlite:data/gateway.db',
  recordDays: null,
  keyExpiryMs: 86_400_000,
  upstream: null,
  auth: null,
  frequencies: DEFAULT_FREQUENCIES,
  notifications: DEFAULT_NOTIFICATIONS,
  corsOrigins: [],
  graphiql: false,
  introspection: false,
  trustedDocuments: null,
  simpleGets: false,
  faults: false,
  maxBodyBytes: 1_048_576,
  workers: 1,
  drainMs: 5_000,
  closeTimeoutMs: 30_000,
  logLevel: 'info',
  tracing: null,
  ignoredVariables: [],
  maxAnswerBytes: 16_777_216,
  maxPendingAnswerBytes: 67_108_864,
  maxPendingBodyBytes: null,
  maxAnonymousBodyBytes: 65_536,
  operationTimeoutMs: 30_000,
  maxConnectionsPerAddress: null,
  trustedProxies: [],
  keepAliveMs: 75_000,
  requiresIdempotencyKey: false,
  metricsPort: null,
};
const UPSTREAM = { UPSTREAM_URL: 'https://service.example/base' };
const UPSTREAM_DEFAULTS = {
  url: new URL('https://service.example/base/'),
  proxy: null,
  format: 'json',
  timeoutMs: 10_000,
  connections: 64,
  maxInFlight: 1024,
  ownClient: null,
  isRecorded: true,
  checksTaskId: true,
  allowCreateClient: false,
  caFile: null,
  certFile: null,
  keyFile: null,
};
const TRACING = { endpoint: new URL('http://collector:4318/'), resourceAttributes: {}, followsParent: true };
const AUTH = {
  AUTH_JWKS_URL: 'https://login.example/keys?set=1',
  AUTH_ISSUER: 'https://login.example/',
  AUTH_AUDIENCE: 'tasks',
};
const CALLERS = {
  jwksUrl: new URL('https://login.example/keys?set=1'),
  issuer: 'https://login.example/',
  audience: 'tasks',
};

describe('readConfig without variables', () => {
  test('gives serve the store backend on loopback, without GraphiQL and introspection', () => {
    expect(readConfig({}, 'serve')).toEqual(DEFAULTS);
  });

  test('gives the demo GraphiQL, introspection and a quiet log, and no drain time', () => {
    const shown = { graphiql: true, introspection: true, simpleGets: true, faults: true };
    expect(readConfig({}, 'demo')).toEqual({ ...DEFAULTS, ...shown, drainMs: 0, logLevel: 'warn' });
  });

  test('treats a blank variable as unset', () => {
    expect(readConfig({ PORT: '', UPSTREAM_URL: '  ', AUTH_ISSUER: ' ', TRUSTED_DOCUMENTS: '' }, 'serve')).toEqual(
      DEFAULTS,
    );
  });
});

describe('readConfig', () => {
  test.each<readonly [Environment, Partial<Config>]>([
    [{ HOST: '0.0.0.0' }, { host: '0.0.0.0' }],
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: ' 65535 ' }, { port: 65_535 }],
    [{ DATABASE_URL: 'sqlite::memory:' }, { databaseUrl: 'sqlite::memory:' }],
    [{ DATABASE_URL: 'postgres://me:pw@db/tasks' }, { databaseUrl: 'postgres://me:pw@db/tasks' }],
    [
      { DATABASE_URL: 'postgres://me:pw@/tasks?host=/run/postgresql' },
      { databaseUrl: 'postgres://me:pw@/tasks?host=/run/postgresql' },
    ],
    [{ DATABASE_URL: 'postgresql://db/tasks' }, { databaseUrl: 'postgresql://db/tasks' }],
    [{ REQUIRE_IDEMPOTENCY_KEY: 'on' }, { requiresIdempotencyKey: true }],
    [{ IDEMPOTENCY_KEY_HOURS: '1' }, { keyExpiryMs: 3_600_000 }],
    [
      { TASK_FREQUENCIES: 'NONE,YEARLY=9' },
      {
        frequencies: [
          { name: 'NONE', number: 0 },
          { name: 'YEARLY', number: 9 },
        ],
      },
    ],
    [{ TASK_NOTIFICATIONS: 'PIGEON' }, { notifications: [{ name: 'PIGEON', number: null }] }],
    [{ CORS_ORIGINS: 'https://a.example, http://b:81' }, { corsOrigins: ['https://a.example', 'http://b:81'] }],
    [{ GRAPHIQL: 'on' }, { graphiql: true }],
    [{ INTROSPECTION: 'TRUE' }, { introspection: true }],
    [{ TRUSTED_DOCUMENTS: 'documents.json' }, { trustedDocuments: 'documents.json' }],
    [{ MAX_BODY_BYTES: '1' }, { maxBodyBytes: 1 }],
    [{ MAX_ANSWER_BYTES: '1024' }, { maxAnswerBytes: 1_024 }],
    [{ MAX_PENDING_ANSWER_BYTES: '2048' }, { maxPendingAnswerBytes: 2_048 }],
    [{ MAX_PENDING_BODY_BYTES: '4096' }, { maxPendingBodyBytes: 4_096 }],
    [{ MAX_ANONYMOUS_BODY_BYTES: '1' }, { maxAnonymousBodyBytes: 1 }],
    [{ OPERATION_TIMEOUT_MS: '1' }, { operationTimeoutMs: 1 }],
    [{ MAX_CONNECTIONS_PER_ADDRESS: '5' }, { maxConnectionsPerAddress: 5 }],
    [{ TRUSTED_PROXIES: '10.0.0.0/8, ::1' }, { trustedProxies: ['10.0.0.0/8', '::1'] }],
    [{ KEEP_ALIVE_MS: '0' }, { keepAliveMs: 0 }],
    [{ METRICS_PORT: '9464' }, { metricsPort: 9_464 }],
    [{ RECORD_DAYS: '30' }, { recordDays: 30 }],
    [
      { WORKERS: '4', DATABASE_URL: 'postgres://db/tasks' },
      { workers: 4, databaseUrl: 'postgres://db/tasks' },
    ],
    [{ DRAIN_MS: '0' }, { drainMs: 0 }],
    [{ CLOSE_TIMEOUT_MS: '600000' }, { closeTimeoutMs: 600_000 }],
    [{ LOG_LEVEL: 'DEBUG' }, { logLevel: 'debug' }],
    [AUTH, { auth: CALLERS }],
    [{ OTEL_SERVICE_NAME: 'tasks', OTEL_TRACES_SAMPLER_ARG: '0.5' }, {}],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' },
      { tracing: { ...TRACING, serviceName: 'account-task-gateway', sampledShare: 1 } },
    ],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_SERVICE_NAME: 'tasks',
        OTEL_TRACES_SAMPLER_ARG: '.25',
      },
      { tracing: { ...TRACING, serviceName: 'tasks', sampledShare: 0.25 } },
    ],
  ])('reads %j', (env, change) => {
    expect(readConfig(env, 'serve')).toEqual({ ...DEFAULTS, ...change });
  });

  test.each<readonly [Environment, object]>([
    [{}, {}],
    [{ UPSTREAM_URL: 'http://127.0.0.1:8080' }, { url: new URL('http://127.0.0.1:8080/') }],
    [{ UPSTREAM_FORMAT: 'XML' }, { format: 'xml' }],
    [{ UPSTREAM_TIMEOUT_MS: '600000' }, { timeoutMs: 600_000 }],
    [{ UPSTREAM_CHECK_TASK_ID: 'off' }, { checksTaskId: false }],
    [{ ALLOW_CREATE_CLIENT: 'on' }, { allowCreateClient: true }],
    [{ UPSTREAM_CA: 'ca.pem' }, { caFile: 'ca.pem' }],
    [
      { UPSTREAM_CERT: 'client.pem', UPSTREAM_KEY: 'client.key' },
      { certFile: 'client.pem', keyFile: 'client.key' },
    ],
    [{ UPSTREAM_CONNECTIONS: '1' }, { connections: 1 }],
    [{ UPSTREAM_MAX_IN_FLIGHT: '5' }, { maxInFlight: 5 }],
    [{ RECORD: 'off' }, { isRecorded: false }],
  ])('reads %j with UPSTREAM_URL', (env, change) => {
    const upstream = { ...UPSTREAM_DEFAULTS, ...change };
    expect(readConfig({ ...UPSTREAM, ...env }, 'serve')).toEqual({ ...DEFAULTS, upstream });
  });

  test('reads credentials of the gateway for authenticated callers', () => {
    const env = { ...UPSTREAM, ...AUTH, UPSTREAM_CLIENT_ID: 'gateway', UPSTREAM_CLIENT_SECRET: 'hunter2' };
    const ownClient = { clientId: 'gateway', clientSecret: 'hunter2' };
    expect(readConfig(env, 'serve')).toMatchObject({ upstream: { ...UPSTREAM_DEFAULTS, ownClient }, auth: CALLERS });
  });

  test('turns GraphiQL off in the demo if only trusted documents may run', () => {
    expect(readConfig({ TRUSTED_DOCUMENTS: 'documents.json' }, 'demo').graphiql).toBe(false);
  });

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('lets the demo listen on %s', (HOST) => {
    expect(readConfig({ HOST }, 'demo').host).toBe(HOST);
  });
});
