import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend, storeBackend } from '../../src/app/open-backend.ts';
import type { Environment } from '../../src/app/config.ts';
import type { AccountCaller } from '../../src/contract/task-service.ts';
import { type GraphqlAnswer, type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { createBatch, item, items } from '../support/batch.ts';
import { sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';
import { startRestService, type RestServiceOptions } from '../support/rest-service.ts';

const OVER = {
  message: 'The operation ran out of time before this could be done.',
  extensions: { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true },
} as const;
const never = <Result>(): Promise<Result> => new Promise(() => undefined);
const READS = [
  ['a page', '{ accountTasks { edges { cursor } } }'],
  ['an outcome', '{ writeOutcome(idempotencyKey: "k") { state } }'],
  ['a task', `{ accountTask(id: "${SAMPLE_INPUT.taskId}") { id } }`],
  [
    'entities',
    `{ _entities(representations: [{ __typename: "AccountTask", id: "${SAMPLE_INPUT.taskId}" }]) { __typename } }`,
  ],
] as const;

async function countOver({ url }: RunningGateway): Promise<number> {
  const text = await (await fetch(new URL('metrics', url))).text();
  return Number(/^gateway_refusals_total\{limit="operation_time"\} (\d+)$/m.exec(text)?.[1]);
}

describe('over a backend that never answers,', () => {
  const start = async (authenticate: () => AccountCaller | Promise<AccountCaller>): Promise<RunningGateway> => {
    const writes = { create: never, update: never, run: never, createClient: never };
    const tasks = { ...writes, find: never, list: never, findOutcome: never, checks: {}, close: async () => {} };
    const gateway = await startGateway(() => ({ tasks, authenticate, issueToken: null, batchConcurrency: 1 }), {
      env: { OPERATION_TIMEOUT_MS: '50' },
    });
    onTestFinished(() => gateway.close());
    return gateway;
  };

  test.each(READS)('a read of %s is OVERLOADED when the operation reaches its time limit', async (_what, query) => {
    const gateway = await start(() => ({ kind: 'account', accountId: 'a', clientId: null }));
    for (const _ of ['unknown', 'known']) {
      const { status, json } = await gateway.graphql({ query });
      expect(status).toBe(200);
      expect(json.errors).toMatchObject([OVER]);
    }
    expect(await countOver(gateway)).toBe(2);
  });

  test('no write starts before the caller is authenticated', async () => {
    const gateway = await start(never);
    const query = `mutation ($input: CreateAccountTaskInput!, $inputs: [CreateAccountTaskItem!]!) {
      createAccountTask(input: $input) { replayed } createAccountTasks(inputs: $inputs) { __typename }
    }`;
    const { status, json } = await gateway.graphql({ query, variables: { input: SAMPLE_INPUT, inputs: items(2) } });
    expect(status).toBe(200);
    expect(json.data).toBeNull();
    expect(json.errors).toMatchObject([{ ...OVER, path: ['createAccountTask'] }]);
  });
});

test('a read that waits for a PostgreSQL lock times out, and the next one succeeds after the lock is released', async () => {
  const { store, database, databaseUrl } = await sampleStore('PostgreSQL');
  const client = await addClient(database);
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  const gateway = await startGateway((config, observers) => storeBackend(store, config, observers), {
    env: { OPERATION_TIMEOUT_MS: '2000' },
    authorization: `Bearer ${token}`,
  });
  onTestFinished(() => gateway.close());
  const locking = new Client({ connectionString: databaseUrl });
  await locking.connect();
  await locking.query('BEGIN');
  await locking.query('LOCK TABLE account_tasks IN ACCESS EXCLUSIVE MODE');
  const locked = await gateway.graphql({ query: READS[0][1] });
  await locking.end();
  expect(locked.json).toMatchObject({ data: null, errors: [OVER] });
  const free = await gateway.graphql({ query: READS[0][1] });
  expect(free.json).toEqual({ data: { accountTasks: { edges: [] } } });
});

describe('over a service', () => {
  const TIMEOUT_MS = 1_500;

  const start = async (answer: RestServiceOptions['answer'], env: Environment = {}) => {
    const service = await startRestService(answer ? { answer } : {});
    onTestFinished(() => service.close());
    const gateway = await startGateway(openBackend, {
      env: {
        UPSTREAM_URL: service.url.href,
        DATABASE_URL: 'sqlite::memory:',
        OPERATION_TIMEOUT_MS: String(TIMEOUT_MS),
        ...env,
      },
      authorization: 'Bearer caller-1',
    });
    onTestFinished(() => gateway.close());
    return { service, gateway };
  };
  /** The operation starts before the call to the service, so it is over its time limit when the service answers. */
  const answerLate = async (): Promise<null> => {
    await delay(TIMEOUT_MS);
    return null;
  };

  test('items of a batch that were sent report their outcome, and items that had not started are not sent', async () => {
    const { service, gateway } = await start(never, { UPSTREAM_TIMEOUT_MS: String(2 * TIMEOUT_MS) });
    const results = await createBatch(gateway, items(20));
    expect(service.requests).toHaveLength(16);
    expect(results.map(({ code, outcome }) => `${code} ${outcome}`)).toEqual([
      ...Array.from({ length: 16 }, () => 'UPSTREAM_TIMEOUT UNKNOWN'),
      ...Array.from({ length: 4 }, () => 'OVERLOADED NOT_SENT'),
    ]);
  });

  test('a create that was sent is not cut off; the next one is not sent, and the answer names the first', async () => {
    const { service, gateway } = await start(answerLate);
    const query = `mutation ($input: CreateAccountTaskInput!) {
      a: createAccountTask(input: $input) { replayed } b: createAccountTask(input: $input) { replayed }
    }`;
    const { status, json } = await gateway.graphql({ query, variables: { input: SAMPLE_INPUT } });
    expect(status).toBe(200);
    expect(service.requests).toHaveLength(1);
    expect(json.data).toBeNull();
    expect(json.errors).toMatchObject([
      { ...OVER, path: ['b'], extensions: { created: [{ path: 'a', id: service.tasks[0]?.['ID'] }] } },
    ]);
  });

  test('a create that still waits for a connection at the time limit is not sent, and its idempotencyKey stays free', async () => {
    const { service, gateway } = await start(answerLate, { UPSTREAM_CONNECTIONS: '1' });
    const second = { ...item('"second"'), idempotencyKey: 'second' };
    const before = await countOver(gateway);
    const results = await createBatch(gateway, [item('"first"'), second]);
    expect(service.requests).toHaveLength(1);
    expect(results).toMatchObject([{ replayed: false }, { code: 'OVERLOADED', outcome: 'NOT_SENT' }]);
    expect(await countOver(gateway)).toBe(before + 1);
    const [again] = await createBatch(gateway, [second]);
    expect(again).toMatchObject({ replayed: false, accountTask: { parameters: '"second"' } });
    expect(service.requests).toHaveLength(2);
  });

  test('a create that nothing follows may take longer than the time limit', async () => {
    const { gateway } = await start(answerLate);
    const query = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { replayed } }';
    const { json } = await gateway.graphql({ query, variables: { input: SAMPLE_INPUT } });
    expect(json).toEqual<GraphqlAnswer>({ data: { createAccountTask: { replayed: false } as never } });
  });
});
