import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type AccountTask, readAccountTask } from '../../../src/contract/account-task.ts';
import { type FailureKind, TaskFailure } from '../../../src/contract/failure.ts';
import { decorateWrites, unsupportedWrites, type WriteName } from '../../../src/contract/task-service.ts';
import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import { SAMPLE_INPUT, startGateway } from '../../support/running-gateway.ts';

const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const ACCOUNT_ID = '22222222-3333-4444-8555-666666666666';
const TASK = readAccountTask({ ...SAMPLE_DETAIL, ID }, 'Detail') as AccountTask;
const ENVELOPE = { Identification: { UserId: 'u' }, Result: 'OK' };
const CLIENT = { ID, Name: 'shop', Secret: 'a secret of 16 up', detail: {} };
const REQUEST = {
  TaskID: SAMPLE_INPUT.taskId,
  Frequency: 'NONE',
  StartDate: SAMPLE_INPUT.startDate,
  FinishDate: SAMPLE_INPUT.finishDate,
  Parameters: SAMPLE_INPUT.parameters,
  ContentType: 'application/json',
  Notification: 'NONE',
};
const MODIFIED = '2026-02-22T04:10:00.9543747+00:00';
const ANSWER = 'identification { userId } result';

interface Write {
  readonly name: WriteName;
  /** The name of its field, and the start of the names of its types. */
  readonly type: string;
  readonly declared: string;
  readonly given: string;
  readonly payload: string;
  readonly variables: object;
  /** The input that reaches the port. */
  readonly input: object;
  readonly result: object;
  /** The payload of that result. */
  readonly data: object;
  readonly hasKey: boolean;
}

const WRITES: readonly Write[] = [
  {
    name: 'create',
    type: 'CreateAccountTask',
    declared: '$input: CreateAccountTaskInput!',
    given: 'input: $input',
    payload: `replayed accountTask { id } ${ANSWER}`,
    variables: { input: SAMPLE_INPUT },
    input: REQUEST,
    result: { accountTask: TASK, ...ENVELOPE, replayed: true },
    data: { replayed: true, accountTask: { id: ID }, identification: { userId: 'u' }, result: 'OK' },
    hasKey: true,
  },
  {
    name: 'update',
    type: 'UpdateAccountTask',
    declared: '$id: ID!, $input: UpdateAccountTaskInput!, $ifModified: DateTime',
    given: 'id: $id, input: $input, ifModified: $ifModified',
    payload: `accountTask { id } ${ANSWER}`,
    variables: { id: `{${ID.toUpperCase()}}`, input: { ...SAMPLE_INPUT, enabled: false }, ifModified: MODIFIED },
    input: { id: ID, enabled: false, task: REQUEST, ifModified: MODIFIED },
    result: { accountTask: TASK, ...ENVELOPE },
    data: { accountTask: { id: ID }, identification: { userId: 'u' }, result: 'OK' },
    hasKey: false,
  },
  {
    name: 'run',
    type: 'RunAccountTask',
    declared: '$id: ID!',
    given: 'id: $id',
    payload: `accountTaskId replayed ${ANSWER}`,
    variables: { id: ID },
    input: { id: ID },
    result: { ...ENVELOPE, replayed: true },
    data: { accountTaskId: ID, replayed: true, identification: { userId: 'u' }, result: 'OK' },
    hasKey: true,
  },
  {
    name: 'createClient',
    type: 'CreateClient',
    declared: '$input: CreateClientInput!',
    given: 'input: $input',
    payload: 'client { id } secret',
    variables: { input: { name: 'shop', userId: ACCOUNT_ID } },
    input: { Name: 'shop', UserID: ACCOUNT_ID, Secret: null },
    result: CLIENT,
    data: { client: { id: ID }, secret: CLIENT.Secret },
    hasKey: false,
  },
];

const fieldName = ({ type }: Write): string => type.charAt(0).toLowerCase() + type.slice(1);
const FAILURE = '... on WriteFailure { code outcome retryable errorCode errorReason requestId message }';

function mutation({ declared, given, hasKey }: Write, field: string, selection: string, key = hasKey): string {
  const keyed = key ? [', $key: String', ', idempotencyKey: $key'] : ['', ''];
  return `mutation (${declared}${keyed[0]}) { at: ${field}(${given}${keyed[1]}) { ${selection} } }`;
}
const asError = (write: Write): string => mutation(write, fieldName(write), write.payload);
const asData = (write: Write): string =>
  mutation(write, `try${write.type}`, `__typename ... on ${write.type}Payload { ${write.payload} } ${FAILURE}`);

describe.each(WRITES)('$type', async (write) => {
  let end: () => Promise<object> = async () => write.result;
  const calls: unknown[] = [];
  const tasks = {
    ...decorateWrites(unsupportedWrites('not part of this test'), (_, name) => async (input, { idempotencyKey }) => {
      calls.push({ name, input, idempotencyKey });
      return (await end()) as never;
    }),
    find: () => Promise.reject(new Error('not part of this test')),
    list: () => Promise.reject(new Error('not part of this test')),
    findOutcome: () => Promise.reject(new Error('not part of this test')),
    checks: {},
    close: async () => {},
  };
  const gateway = await startGateway(() => ({
    tasks,
    authenticate: () => ({ kind: 'account', accountId: ACCOUNT_ID, clientId: null }),
    issueToken: null,
    batchConcurrency: 1,
  }));
  afterAll(() => gateway.close());
  beforeEach(() => {
    calls.length = 0;
    end = async () => write.result;
  });
  const send = (query: string, variables: object = write.variables) =>
    gateway.graphql(
      { query, variables: { ...variables, ...(write.hasKey && { key: 'k-1' }) } },
      { 'x-request-id': 'r' },
    );

  test('passes its input and key to the port, and its result on, in both forms', async () => {
    const expected = { name: write.name, input: write.input, idempotencyKey: write.hasKey ? 'k-1' : null };
    expect((await send(asError(write))).json).toEqual({ data: { at: write.data } });
    expect((await send(asData(write))).json).toEqual({
      data: { at: { __typename: `${write.type}Payload`, ...write.data } },
    });
    expect(calls).toEqual([expected, expected]);
  });

  test.each([
    { code: 'TASK_REJECTED', outcome: 'REJECTED' },
    { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' },
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
  ] satisfies FailureKind[])('shows $code, $outcome alike as an error and as data', async (kind) => {
    end = () => Promise.reject(new TaskFailure(kind, 'What happened.', { errorCode: 'E1', errorReason: 'A reason.' }));
    const [error] = (await send(asError(write))).json.errors ?? [];
    const data = { ...error?.extensions, message: error?.message };
    expect(data).toMatchObject({ ...kind, errorCode: 'E1', errorReason: 'A reason.', requestId: 'r' });
    expect((await send(asData(write))).json).toEqual({
      data: { at: { __typename: `${write.type}Failure`, ...data } },
    });
  });

  test('names an ID that is no GUID by its path, and does not reach the port', async () => {
    const path = 'id' in write.variables ? 'id' : write.name === 'create' ? 'input.taskId' : 'input.userId';
    const [outer = '', inner] = path.split('.');
    const input = { ...(write.variables as { readonly input?: object }).input };
    const variables = { ...write.variables, [outer]: inner === undefined ? 'x' : { ...input, [inner]: 'x' } };
    const { json } = await send(asData(write), variables);
    expect(json.data?.['at']).toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NOT_SENT',
      message: expect.stringMatching(new RegExp(`^${path}: expected a GUID`)) as unknown,
    });
    expect(calls).toEqual([]);
  });

  test('is named in the error of a later field that nulls the whole data', async () => {
    const kind = write.name === 'update' ? 'updated' : write.name === 'run' ? 'ran' : 'created';
    end = async () => {
      if (calls.length > 1) throw new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, 'Busy.');
      return write.result;
    };
    const field = `${fieldName(write)}(${write.given}) { __typename }`;
    const { json } = await gateway.graphql({
      query: `mutation (${write.declared}) { one: ${field} two: ${field} }`,
      variables: write.variables,
    });
    expect(json.data).toBeNull();
    expect(json.errors).toMatchObject([{ path: ['two'], extensions: { [kind]: [{ path: 'one', id: ID }] } }]);
  });

  test('counts to the writes of a request, of which 100 are allowed', async () => {
    const fields = (count: number): string =>
      Array.from({ length: count }, (_, at) => `w${at}: try${write.type}(${write.given}) { __typename }`).join(' ');
    const batch = 'more: createAccountTasks(inputs: [{ input: $one }, { input: $one }]) { __typename }';
    const request = (count: number) => ({
      query: `mutation (${write.declared}, $one: CreateAccountTaskInput!) { ${fields(count)} ${batch} }`,
      variables: { ...write.variables, one: SAMPLE_INPUT },
    });
    expect((await gateway.graphql(request(99))).json.errors?.[0]).toMatchObject({
      message: expect.stringContaining('expected at most 100 writes in one request, got 101') as unknown,
      extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    });
    expect(calls).toEqual([]);
    expect((await gateway.graphql(request(98))).json.errors).toBeUndefined();
    expect(calls).toHaveLength(100);
  });
});
