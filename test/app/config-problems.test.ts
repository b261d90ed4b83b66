import { describe, expect, test } from 'vitest';
import { ConfigError, type Environment, type Mode, readConfig } from '../../src/app/config.ts';

const UPSTREAM = { UPSTREAM_URL: 'https://service.example/' };
const AUTH = {
  AUTH_JWKS_URL: 'https://login.example/keys?set=1',
  AUTH_ISSUER: 'https://login.example/',
  AUTH_AUDIENCE: 'tasks',
};

const ADDRESS = 'expected an http or https address such as https://host/';
const DATABASE = 'expected sqlite:<file> or postgres://<user>:<password>@<host>/<database>';
const NO_CREDENTIALS = 'expected an address without credentials or fragment';
const PROXIES = 'expected IP addresses or blocks such as 10.0.0.0/8, separated by commas, got';
const ORIGINS = 'expected origins such as https://app.example, separated by commas, got';

function problemsOf(env: Environment, mode: Mode = 'serve'): readonly string[] {
  try {
    readConfig(env, mode);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('readConfig', () => {
  test.each([
    ['PORT', '65536', 'expected a whole number from 0 to 65535, got "65536"'],
    ['PORT', '80.5', 'expected a whole number from 0 to 65535, got "80.5"'],
    ['PORT', '-1', 'expected a whole number from 0 to 65535, got "-1"'],
    ['PORT', '0x50', 'expected a whole number from 0 to 65535, got "0x50"'],
    ['DATABASE_URL', 'data/gateway.db', DATABASE],
    ['DATABASE_URL', 'sqlite:', DATABASE],
    ['DATABASE_URL', 'mysql://me:hunter2@db/tasks', DATABASE],
    ['IDEMPOTENCY_KEY_HOURS', '0', 'expected a whole number from 1 to 8760, got "0"'],
    ['REQUIRE_IDEMPOTENCY_KEY', 'always', 'expected on or off, got "always"'],
    ['UPSTREAM_URL', 'service.example', ADDRESS],
    ['UPSTREAM_URL', 'ftp://me:hunter2@service.example/', ADDRESS],
    ['UPSTREAM_URL', 'https://me:hunter2@service.example/', NO_CREDENTIALS],
    ['UPSTREAM_URL', 'https://service.example/?key=hunter2', 'expected an address without a query'],
    ['UPSTREAM_URL', 'https://service.example/#hunter2', NO_CREDENTIALS],
    ['UPSTREAM_FORMAT', 'yaml', 'expected json or xml, got "yaml"'],
    ['UPSTREAM_TIMEOUT_MS', '0', 'expected a whole number from 1 to 600000, got "0"'],
    ['UPSTREAM_CONNECTIONS', '10001', 'expected a whole number from 1 to 10000, got "10001"'],
    ['UPSTREAM_MAX_IN_FLIGHT', 'many', 'expected a whole number from 1 to 1000000, got "many"'],
    ['RECORD', 'perhaps', 'expected on or off, got "perhaps"'],
    ['ALLOW_CREATE_CLIENT', 'admins', 'expected on or off, got "admins"'],
    ['TASK_FREQUENCIES', 'NONE=0,=1', 'expected NAME or NAME=number, got "=1"'],
    ['TASK_FREQUENCIES', 'DAILY,daily', 'two members have the same name'],
    ['TASK_NOTIFICATIONS', 'NONE=1', 'contradicts the contract, in which NONE is 0'],
    ['TASK_NOTIFICATIONS', 'A=1,B=1', 'two members have the same number'],
    ['CORS_ORIGINS', 'https://a.example/path', `${ORIGINS} "https://a.example/path"`],
    ['CORS_ORIGINS', 'https://a.example,*', `${ORIGINS} "*"`],
    ['FAULTS', 'some', 'expected on or off, got "some"'],
    ['FAULTS', 'on', 'makes creates fail on purpose, which only the demo does; unset it'],
    ['GRAPHIQL', '2', 'expected on or off, got "2"'],
    ['INTROSPECTION', 'maybe', 'expected on or off, got "maybe"'],
    ['MAX_BODY_BYTES', '1MB', 'expected a whole number from 1 to 268435456, got "1MB"'],
    ['MAX_ANSWER_BYTES', '1023', 'expected a whole number from 1024 to 1073741824, got "1023"'],
    ['MAX_CONNECTIONS_PER_ADDRESS', '0', 'expected a whole number from 1 to 10000, got "0"'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', `${PROXIES} "10.0.0.0/33"`],
    ['TRUSTED_PROXIES', 'fe80::1%eth0', `${PROXIES} "fe80::1%eth0"`],
    ['TRUSTED_PROXIES', '::1/129', `${PROXIES} "::1/129"`],
    ['TRUSTED_PROXIES', '10.0.0.0/8/9', `${PROXIES} "10.0.0.0/8/9"`],
    ['TRUSTED_PROXIES', '10.0.0.0/', `${PROXIES} "10.0.0.0/"`],
    ['TRUSTED_PROXIES', '256.0.0.1', `${PROXIES} "256.0.0.1"`],
    ['TRUSTED_PROXIES', 'proxy.example', `${PROXIES} "proxy.example"`],
    ['RECORD_DAYS', '0', 'expected a whole number from 1 to 36500, got "0"'],
    ['WORKERS', '0', 'expected a whole number from 1 to 256, got "0"'],
    ['DRAIN_MS', '5s', 'expected a whole number from 0 to 600000, got "5s"'],
    ['CLOSE_TIMEOUT_MS', '0', 'expected a whole number from 1 to 600000, got "0"'],
    ['LOG_LEVEL', 'loud', 'expected silent, error, warn, info or debug, got "loud"'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', ADDRESS],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://me:hunter2@collector:4318', NO_CREDENTIALS],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'expected a number from 0 to 1, got "1.5"'],
    ['OTEL_TRACES_SAMPLER_ARG', '-0', 'expected a number from 0 to 1, got "-0"'],
  ])('refuses %s=%s and says what is expected', (name, value, problem) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name}: ${problem}`]);
  });

  test('refuses an AUTH_JWKS_URL that is no address or contains a password', () => {
    expect(problemsOf({ ...AUTH, AUTH_JWKS_URL: 'login.example' })).toEqual([`AUTH_JWKS_URL: ${ADDRESS}`]);
    const withPassword = { ...AUTH, AUTH_JWKS_URL: 'https://me:hunter2@login.example/' };
    expect(problemsOf(withPassword)).toEqual([`AUTH_JWKS_URL: ${NO_CREDENTIALS}`]);
  });

  test('refuses GraphiQL together with trusted documents', () => {
    expect(problemsOf({ GRAPHIQL: 'on', TRUSTED_DOCUMENTS: 'documents.json' })).toEqual([
      'GRAPHIQL: its documents would be refused because TRUSTED_DOCUMENTS is set; unset one of them',
    ]);
  });

  test('refuses a HOST that other machines can reach in the demo', () => {
    expect(problemsOf({ HOST: '0.0.0.0' }, 'demo')).toEqual([
      'HOST: the demo gives its token to anyone who can reach it; use npm run serve for 0.0.0.0',
    ]);
  });

  test.each(['AUTH_JWKS_URL', 'AUTH_ISSUER', 'AUTH_AUDIENCE'])('refuses the AUTH variables without %s', (name) => {
    expect(problemsOf({ ...AUTH, [name]: undefined })).toEqual([
      `${name}: is missing; set all of AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE, or none of them`,
    ]);
  });

  test.each([
    ['UPSTREAM_CERT', 'UPSTREAM_KEY'],
    ['UPSTREAM_KEY', 'UPSTREAM_CERT'],
  ])('refuses %s without %s', (name, missing) => {
    expect(problemsOf({ [name]: 'client.pem' })).toEqual([
      `${missing}: is missing; set all of UPSTREAM_CERT, UPSTREAM_KEY, or none of them`,
    ]);
  });

  test('refuses credentials of the gateway for unauthenticated callers, without revealing the secret', () => {
    const env = { ...UPSTREAM, UPSTREAM_CLIENT_ID: 'gateway', UPSTREAM_CLIENT_SECRET: 'hunter2' };
    expect(problemsOf(env)).toEqual([
      'UPSTREAM_CLIENT_ID: would let anyone who can reach this gateway create tasks with its credentials; ' +
        'also set AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE, so that callers must present a JWT',
    ]);
  });

  test('refuses a client id without a secret, the reverse, and both without an upstream', () => {
    const together = 'is missing; set all of UPSTREAM_CLIENT_ID, UPSTREAM_CLIENT_SECRET, or none of them';
    expect(problemsOf({ ...UPSTREAM, ...AUTH, UPSTREAM_CLIENT_ID: 'gateway' })).toEqual([
      `UPSTREAM_CLIENT_SECRET: ${together}`,
    ]);
    expect(problemsOf({ ...UPSTREAM, ...AUTH, UPSTREAM_CLIENT_SECRET: 'hunter2' })).toEqual([
      `UPSTREAM_CLIENT_ID: ${together}`,
    ]);
    expect(problemsOf({ ...AUTH, UPSTREAM_CLIENT_ID: 'gateway', UPSTREAM_CLIENT_SECRET: 'hunter2' })).toEqual([
      'UPSTREAM_CLIENT_ID: has no effect without UPSTREAM_URL; ' +
        'set that, or unset UPSTREAM_CLIENT_ID, UPSTREAM_CLIENT_SECRET',
    ]);
  });

  test('refuses a METRICS_PORT that equals PORT', () => {
    expect(problemsOf({ METRICS_PORT: '4000' })).toEqual(['METRICS_PORT: is the same as PORT; choose another port']);
    expect(problemsOf({ METRICS_PORT: '0', PORT: '0' })).toEqual([]);
  });

  test('refuses to require idempotency keys that cannot be honoured', () => {
    const required = { ...UPSTREAM, REQUIRE_IDEMPOTENCY_KEY: 'on' };
    expect(problemsOf({ ...required, RECORD: 'off' })).toEqual([
      'REQUIRE_IDEMPOTENCY_KEY: keys cannot be honoured with RECORD=off; unset one of them',
    ]);
    expect(problemsOf(required)).toEqual([]);
    expect(problemsOf({ REQUIRE_IDEMPOTENCY_KEY: 'on', RECORD: 'off' })).toEqual([]);
  });

  test('refuses several WORKERS where only one process can serve', () => {
    const problem = 'WORKERS: only one process can use a SQLite database; set DATABASE_URL=postgres://…';
    expect(problemsOf({ WORKERS: '2' })).toEqual([`${problem}, or unset WORKERS`]);
    expect(problemsOf({ ...UPSTREAM, WORKERS: '2' })).toEqual([`${problem}, or RECORD=off, or unset WORKERS`]);
    expect(problemsOf({ ...UPSTREAM, WORKERS: '2', RECORD: 'off' })).toEqual([]);
    expect(problemsOf({ WORKERS: '2', DATABASE_URL: 'postgres://db/tasks' })).toEqual([]);
    expect(problemsOf({ WORKERS: '1' })).toEqual([]);
    expect(problemsOf({ WORKERS: '2', DATABASE_URL: 'postgres://db/tasks' }, 'demo')).toEqual([
      'WORKERS: the demo runs in one process; use npm run serve for more',
    ]);
  });

  test('refuses faults in the demo before a service, which cannot make them', () => {
    expect(problemsOf(UPSTREAM, 'demo')).toEqual([]);
    expect(problemsOf({ ...UPSTREAM, FAULTS: 'on' }, 'demo')).toEqual([
      "FAULTS: needs the demo's own store; unset it or UPSTREAM_URL",
    ]);
  });

  test('refuses fewer connections or calls in flight than WORKERS', () => {
    const few = { ...UPSTREAM, RECORD: 'off', WORKERS: '3', UPSTREAM_CONNECTIONS: '2', UPSTREAM_MAX_IN_FLIGHT: '1' };
    expect(problemsOf(few)).toEqual([
      'UPSTREAM_CONNECTIONS: is shared by all WORKERS; set it to at least 3',
      'UPSTREAM_MAX_IN_FLIGHT: is shared by all WORKERS; set it to at least 3',
    ]);
    expect(problemsOf({ ...few, UPSTREAM_CONNECTIONS: '3', UPSTREAM_MAX_IN_FLIGHT: '3' })).toEqual([]);
  });

  test('reports all invalid variables together, without revealing a secret', () => {
    const problems = problemsOf({
      PORT: 'http',
      DATABASE_URL: 'mysql://me:hunter2@db/tasks',
      UPSTREAM_URL: 'https://me:hunter2@service.example/',
      UPSTREAM_TIMEOUT_MS: 'soon',
      UPSTREAM_CLIENT_SECRET: 'hunter2',
      AUTH_AUDIENCE: 'tasks',
      TASK_FREQUENCIES: '?',
      LOG_LEVEL: 'loud',
    });
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':'))).toSorted()).toEqual([
      'AUTH_ISSUER',
      'AUTH_JWKS_URL',
      'DATABASE_URL',
      'LOG_LEVEL',
      'PORT',
      'TASK_FREQUENCIES',
      'UPSTREAM_CLIENT_ID',
      'UPSTREAM_TIMEOUT_MS',
      'UPSTREAM_URL',
    ]);
    expect(problems.join('\n')).not.toContain('hunter2');
  });
});
