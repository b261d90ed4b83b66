import { GraphQLError } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { TaskFailure, type FailureKind } from '../../src/contract/failure.ts';
import { refusedResult } from '../../src/graphql/error-shapes.ts';
import { findRoute } from '../../src/http/request-handler.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestObservation } from '../../src/telemetry/request-record.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

const MUTATION = `mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }`;
const REQUEST = { query: MUTATION, variables: { input: SAMPLE_INPUT } };

/** The failure that the next create throws. */
let failure: unknown;
const logged: { level: string; facts: object; sentence: string }[] = [];
const note = (level: string) => (facts: object, sentence: string) => void logged.push({ level, facts, sentence });
const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
const tasks = partialTaskService({
  create: () => Promise.reject(failure),
  find: () => Promise.reject(failure),
  list: () => Promise.reject(failure),
  findOutcome: () => Promise.reject(failure),
});
const gateway = await startGateway(
  () => ({
    tasks,
    authenticate: async () => ({ kind: 'forwarded', authorization: 'Bearer x' }),
    issueToken: null,
    batchConcurrency: 1,
  }),
  { log },
);
afterAll(() => gateway.close());

describe('a failure of a mutation that ran', () => {
  const kinds: readonly FailureKind[] = [
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    { code: 'OVERLOADED', outcome: 'REJECTED' },
    { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
    { code: 'UNAUTHENTICATED', outcome: 'REJECTED' },
  ];
  for (const kind of kinds) {
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      test(`answers ${kind.code} of a mutation that ran with HTTP 200 for Accept: ${accept}`, async () => {
        failure = new TaskFailure(kind, 'What happened.', { cause: new Error('at 10.0.0.1') });
        const { status, headers, json, text } = await gateway.graphql(REQUEST, { accept });
        expect(status).toBe(200);
        expect(headers.get('retry-after')).toBeNull();
        expect(json.data).toBeNull();
        expect(json.errors).toEqual([
          {
            message: 'What happened.',
            locations: expect.any(Array) as unknown,
            path: ['createAccountTask'],
            extensions: {
              ...kind,
              retryable: kind.code === 'UPSTREAM_UNREACHABLE' || kind.code === 'OVERLOADED',
              requestId: expect.any(String) as unknown,
            },
          },
        ]);
        expect(text).not.toContain('10.0.0.1');
      });
    }
  }

  test("passes on the envelope's code and reason verbatim, and only if there was an envelope", async () => {
    failure = new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No client.', {
      errorCode: ' E-17 ',
      errorReason: 'No client.',
    });
    const { json } = await gateway.graphql(REQUEST);
    expect(json.errors?.[0]?.extensions).toMatchObject({ errorCode: ' E-17 ', errorReason: 'No client.' });
    failure = new TaskFailure({ code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, 'It failed.');
    const { json: bare } = await gateway.graphql(REQUEST);
    expect(Object.keys(bare.errors?.[0]?.extensions ?? {})).toEqual(['code', 'outcome', 'retryable', 'requestId']);
  });

  test("repeats the caller's request id in the answer, its header and the log", async () => {
    failure = new TaskFailure({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Too slow.');
    logged.length = 0;
    const { json, headers } = await gateway.graphql(REQUEST, { 'x-request-id': 'trace-42' });
    expect(json.errors?.[0]?.extensions['requestId']).toBe('trace-42');
    expect(headers.get('x-request-id')).toBe('trace-42');
    expect(logged).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        facts: expect.objectContaining({ requestId: 'trace-42', code: 'UPSTREAM_TIMEOUT' }) as unknown,
      }),
    );
  });

  test('replaces a request id that could break a log line or a header', async () => {
    const { headers } = await gateway.graphql(REQUEST, { 'x-request-id': 'a b"{}' });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('an unexpected error', () => {
  test('masks an unexpected error of a mutation, logs it with its request id and calls its outcome UNKNOWN', async () => {
    failure = new Error('SELECT * FROM secret');
    logged.length = 0;
    const { status, json, text } = await gateway.graphql(REQUEST, { 'x-request-id': 'trace-43' });
    expect(status).toBe(200);
    expect(text).not.toContain('SELECT');
    expect(json.errors?.[0]).toMatchObject({
      message: 'Unexpected error.',
      path: ['createAccountTask'],
      extensions: { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN', retryable: false, requestId: 'trace-43' },
    });
    expect(logged).toContainEqual({
      level: 'error',
      facts: { requestId: 'trace-43', err: failure },
      sentence: 'unexpected error',
    });
  });

  test('masks an unexpected error of a query, without an outcome', async () => {
    failure = new Error('SELECT * FROM secret');
    const { json, text } = await gateway.graphql({ query: '{ accountTasks { edges { cursor } } }' });
    expect(text).not.toContain('SELECT');
    expect(json.errors?.[0]?.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      retryable: false,
      requestId: expect.any(String) as unknown,
    });
  });

  test('masks a thrown value that is not an Error', async () => {
    failure = 'a string';
    const { json } = await gateway.graphql(REQUEST);
    expect(json.errors?.[0]?.message).toBe('Unexpected error.');
  });

  test('calls the outcome of an unexpected error outside of an operation UNKNOWN, with data as of one that ran', () => {
    const defect = new GraphQLError('secret', { originalError: new Error('secret') });
    const observation = createRequestObservation({ metrics: createMetrics().requests, requestLog() {}, tracing: null });
    const record = observation.begin({ method: 'POST', headers: {} }, findRoute('/graphql'), 'r');
    const { errors, data } = refusedResult([defect], { record, log });
    expect(data).toBeNull();
    expect(errors?.map((error) => error.toJSON())).toEqual([
      {
        message: 'Unexpected error.',
        extensions: { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN', retryable: false, requestId: 'r' },
      },
    ]);
  });
});
