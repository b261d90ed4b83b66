import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDemo } from '../../src/app/demo.ts';
import { FAULT_TASKS, faultyTaskService } from '../../src/app/faults.ts';
import { storeBackend } from '../../src/app/open-backend.ts';
import { administer } from '../../src/commands/administration.ts';
import { createStore, openDatabase, openStore } from '../../src/store/store.ts';
import { createBatch, item } from '../support/batch.ts';
import { addClient } from '../support/client-without-secret.ts';
import { commandOutput } from '../support/command-output.ts';
import { jsonText } from '../support/request-texts.ts';
import { send } from '../support/rest-client.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { databaseFolder } from '../support/temporary-folder.ts';

const DAY_MS = 86_400_000;
const REASON = 'The start date is in the past.';
const UNKNOWN = { outcome: 'UNKNOWN', retryable: false };
const TIMEOUT = { code: 'UPSTREAM_TIMEOUT', ...UNKNOWN };
const FAILED = { code: 'UPSTREAM_FAILED', ...UNKNOWN };

/** Each fault with the extensions of its GraphQL error and the status of the REST endpoint. */
const FAILURES: readonly (readonly [digits: string, extensions: object, status: number])[] = [
  ['401', { code: 'UNAUTHENTICATED', outcome: 'REJECTED', retryable: false }, 401],
  ['403', { code: 'FORBIDDEN', outcome: 'REJECTED', retryable: false }, 403],
  ['404', { code: 'TASK_NOT_FOUND', outcome: 'REJECTED', retryable: false }, 404],
  ['409', { code: 'CLIENT_REQUIRED', outcome: 'REJECTED', retryable: false }, 409],
  ['422', { code: 'TASK_REJECTED', outcome: 'REJECTED', errorCode: 'E17', errorReason: REASON }, 400],
  ['429', { code: 'OVERLOADED', outcome: 'REJECTED', retryable: true }, 429],
  ['503', { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT', retryable: true }, 503],
  ['500', FAILED, 500],
  ['504', TIMEOUT, 500],
  ['999', { code: 'INTERNAL_SERVER_ERROR', ...UNKNOWN }, 500],
];

const CREATE = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { replayed accountTask { id } }
}`;
const TRY_CREATE = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  tryCreateAccountTask(input: $input, idempotencyKey: $key) {
    ... on CreateAccountTaskPayload { replayed accountTask { id } }
    ... on WriteFailure { code outcome retryable errorCode errorReason }
  }
}`;
const UPDATE = `mutation ($id: ID!, $input: UpdateAccountTaskInput!) {
  updateAccountTask(id: $id, input: $input) { accountTask { taskId } }
}`;
const TASK = 'query ($id: ID!) { accountTask(id: $id) { taskId } }';
const OUTCOME =
  'query ($key: String!) { writeOutcome(idempotencyKey: $key) { state accountTask { id } failure { code } } }';

function fault(digits: string): string {
  return `fa000000-0000-4000-8000-000000000${digits}`;
}

/** Starts a demo whose slow create takes as long as `wait` says. */
async function startDemo(wait?: (ms: number) => Promise<unknown>, databaseUrl = 'sqlite::memory:') {
  const database = await openDatabase(databaseUrl);
  const store = createStore(database);
  const client = await addClient(database);
  for (const task of FAULT_TASKS) await store.catalogue.add(task);
  const { token } = await store.tokens.issue({ accountId: client.accountId, clientId: client.id });
  const tasks = faultyTaskService(store.tasks, { database, keyExpiryMs: DAY_MS, ...(wait && { wait }) });
  const gateway = await startGateway((config, observers) => storeBackend({ ...store, tasks }, config, observers), {
    authorization: `Bearer ${token}`,
  });
  onTestFinished(() => gateway.close());
  return { ...callsOf(gateway), gateway, token };
}

function callsOf(gateway: RunningGateway) {
  const write = async (query: string, digits: string, key: string | null) => {
    const input = { ...SAMPLE_INPUT, taskId: fault(digits) };
    return (await gateway.graphql({ query, variables: { input, key } })).json;
  };
  return {
    create: (digits: string, key: string | null = null) => write(CREATE, digits, key),
    tryCreate: async (digits: string, key: string | null = null) =>
      (await write(TRY_CREATE, digits, key)).data?.['tryCreateAccountTask'],
    outcome: async (key: string) =>
      (await gateway.graphql({ query: OUTCOME, variables: { key } })).json.data?.['writeOutcome'],
    count: async () => {
      const { json } = await gateway.graphql({ query: '{ accountTasks { edges { node { id } } } }' });
      return (json.data?.['accountTasks'] as { readonly edges: readonly object[] } | undefined)?.edges.length;
    },
  };
}

test('the faults fail alike as errors, as data and in a batch, and create nothing but the task of …504', async () => {
  const { create, tryCreate, count, gateway } = await startDemo();
  for (const [digits, extensions] of FAILURES) {
    const { errors = [] } = await create(digits);
    expect(errors.map((error) => error.extensions)).toMatchObject([extensions]);
    expect(await tryCreate(digits)).toMatchObject(extensions);
    const batch = await createBatch(gateway, [item('1', { taskId: fault(digits) })]);
    expect(batch).toMatchObject([{ __typename: 'CreateAccountTaskFailure', ...extensions }]);
  }
  expect(await count()).toBe(3);
});

test('an update to a fault fails as its create does, is retryable if its fate is unknown, and only …504 updates', async () => {
  const waits: number[] = [];
  const { create, gateway } = await startDemo(async (ms) => waits.push(ms));
  const created = (await create('102')).data?.['createAccountTask'] as unknown as {
    readonly accountTask: { readonly id: string };
  };
  const { id } = created.accountTask;
  const update = async (digits: string) => {
    const variables = { id, input: { ...SAMPLE_INPUT, taskId: fault(digits), enabled: true } };
    return (await gateway.graphql({ query: UPDATE, variables })).json;
  };
  const taskId = async () => (await gateway.graphql({ query: TASK, variables: { id } })).json.data?.['accountTask'];
  for (const [digits, extensions] of FAILURES) {
    const isUnknown = ['500', '504'].includes(digits);
    const { errors = [] } = await update(digits);
    expect(errors.map((error) => error.extensions)).toMatchObject([
      { ...extensions, ...(isUnknown && { retryable: true }) },
    ]);
    expect(errors[0]?.message.includes('the task may have been updated')).toBe(isUnknown);
    expect(await taskId()).toEqual({ taskId: fault(['504', '999'].includes(digits) ? '504' : '102') });
  }
  expect(await update('102')).toMatchObject({ data: { updateAccountTask: { accountTask: { taskId: fault('102') } } } });
  expect(waits).toEqual([8_000, 8_000]);
});

test('a batch with a fault of each kind keeps the outcomes apart', async () => {
  const { gateway, count } = await startDemo();
  const inputs = FAILURES.map(([digits]) => ({
    ...item('1', { taskId: fault(digits) }),
    idempotencyKey: `key-${digits}`,
  }));
  const expected = FAILURES.map(([, extensions]) => extensions);
  expect(await createBatch(gateway, inputs)).toMatchObject(expected);
  expect(await createBatch(gateway, inputs)).toMatchObject(
    FAILURES.map(([digits, extensions]) => (digits === '504' ? { replayed: true } : extensions)),
  );
  expect(await count()).toBe(1);
});

test.each(FAILURES)('the REST endpoint answers the fault …%s as it does that failure', async (digits, kind, status) => {
  const { gateway, token } = await startDemo();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await send(gateway.url, { headers, body: jsonText({ TaskID: `"${fault(digits)}"` }) });
  const { code } = kind as { readonly code: string };
  const inWords: Readonly<Record<string, object>> = {
    401: { Message: 'Authorization has been denied for this request.' },
    999: { Message: 'An error has occurred.' },
  };
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.text)).toMatchObject(inWords[digits] ?? { Error: { ErrorCode: code }, ResponseData: null });
});

test('the key of …504 replays the task whose answer was lost', async () => {
  const { create, tryCreate, outcome, count } = await startDemo();
  expect((await create('504', 'k')).errors).toMatchObject([{ extensions: TIMEOUT }]);
  const found = await outcome('k');
  expect(found).toMatchObject({ state: 'SUCCEEDED', failure: null });
  const { accountTask } = found as unknown as { readonly accountTask: object };
  expect(await tryCreate('504', 'k')).toEqual({ replayed: true, accountTask });
  expect(await count()).toBe(1);
});

test('the key of …500 repeats its failure until an operator settles the create', async () => {
  const databaseUrl = `sqlite:${join(databaseFolder(), 'gateway.db')}`;
  const { create, tryCreate, outcome, count } = await startDemo(undefined, databaseUrl);
  const run = (...args: readonly string[]) =>
    commandOutput(['creates', ...args, '--json'], { DATABASE_URL: databaseUrl });
  await expect(run('list')).rejects.toThrow('in store mode there is nothing to settle');
  for (const key of ['k', 'k', 'other'])
    expect((await create('500', key)).errors).toMatchObject([{ extensions: FAILED }]);
  expect(await tryCreate('500', 'k')).toMatchObject(FAILED);
  expect(await outcome('k')).toEqual({ state: 'UNKNOWN', accountTask: null, failure: { code: FAILED.code } });

  const attempts = JSON.parse(await run('list', '--unknown')) as readonly { id: string; idempotencyKey: string }[];
  expect(attempts.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k', 'other']);
  // The list is printed as it is read.
  const [first = ''] = await Array.fromAsync(administer(['creates', 'list'], { DATABASE_URL: databaseUrl }));
  expect([first.includes('idempotencyKey: k'), first.includes('other')]).toEqual([true, false]);
  const id = '0192f000-0000-7000-8000-000000000001';
  await run('settle', '--id', attempts[0]?.id ?? '', '--created', id, '--by', 'ann');
  await run('settle', '--id', attempts[1]?.id ?? '', '--not-created', '--by', 'ann');
  expect(await tryCreate('500', 'k')).toEqual({ replayed: true, accountTask: { id } });
  expect(await outcome('other')).toBeNull();
  expect(await tryCreate('500', 'other')).toMatchObject(FAILED);
  expect(await count()).toBe(0);
});

test('…102 is in progress for eight seconds, then it succeeds and is replayed', async () => {
  const waiting = Promise.withResolvers<number>();
  const released = Promise.withResolvers<null>();
  const { create, tryCreate, outcome, count } = await startDemo((ms) => {
    waiting.resolve(ms);
    return released.promise;
  });
  const first = create('102', 'k');
  expect(await waiting.promise).toBe(8_000);
  expect(await tryCreate('102', 'k')).toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS', outcome: 'NOT_SENT' });
  expect(await outcome('k')).toEqual({ state: 'IN_PROGRESS', accountTask: null, failure: null });
  released.resolve(null);
  const { data } = await first;
  expect(data).toMatchObject({ createAccountTask: { replayed: false } });
  expect(await create('102', 'k')).toMatchObject({
    data: { createAccountTask: { ...(data?.['createAccountTask'] as unknown as object), replayed: true } },
  });
  expect(await outcome('k')).toMatchObject({ state: 'SUCCEEDED' });
  expect(await count()).toBe(1);
});

test('a key of a fault is refused for another task, and the other way round', async () => {
  const { create } = await startDemo();
  const conflict = [{ extensions: { code: 'IDEMPOTENCY_CONFLICT', outcome: 'NOT_SENT' } }];
  await create('500', 'a');
  expect((await create('504', 'a')).errors).toMatchObject(conflict);
  await create('504', 'b');
  expect((await create('500', 'b')).errors).toMatchObject(conflict);
});

test.each([
  ['on', FAULT_TASKS.map(({ name }) => name)],
  ['off', []],
])('the catalogue of the demo lists the faults with FAULTS=%s', async (FAULTS, names) => {
  const DATABASE_URL = `sqlite:${join(databaseFolder(), 'gateway.db')}`;
  const start = () =>
    startGateway(async (config, observers) => (await openDemo(config, observers)).backend, {
      env: { DATABASE_URL, FAULTS },
    });
  for (const gateway of [await start(), await start()]) await gateway.close();
  const store = await openStore({ databaseUrl: DATABASE_URL });
  onTestFinished(() => store.close());
  const catalogue = (await store.catalogue.list()).map(({ name }) => name);
  expect(catalogue.toSorted()).toEqual([...names, 'Sample task'].toSorted());
  expect(names.every((name) => name.startsWith('Fault: '))).toBe(true);
});
