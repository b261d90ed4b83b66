import { describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';
import { inputThat, startScriptedGateway } from './scripted-tasks.ts';

const MUTATION = `mutation ($inputs: [CreateAccountTaskItem!]!, $one: CreateAccountTaskInput!, $last: CreateAccountTaskInput!) {
  one: createAccountTask(input: $one) { replayed }
  all: createAccountTasks(inputs: $inputs) { __typename }
  last: createAccountTask(input: $last) { accountTask { taskId } }
}`;
const item = (outcome: Parameters<typeof inputThat>[0]) => ({ input: inputThat(outcome) });

describe('an answer without data', () => {
  test.each([
    ['is refused', { code: 'TASK_REJECTED', outcome: 'REJECTED' }],
    ['has an unknown outcome', { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }],
    ['meets a defect', { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN' }],
  ] as const)('an answer without data names every task created before a create that %s', async (last, facts) => {
    const gateway = await startScriptedGateway();
    const variables = {
      one: inputThat('succeeds'),
      inputs: [item('succeeds'), item('is refused'), item('succeeds')],
      last: inputThat(last),
    };
    for (const _ of ['unknown', 'known']) {
      const { status, json } = await gateway.graphql({ query: MUTATION, variables });
      const [one, first, second] = gateway.ids.slice(-3);
      expect(status).toBe(200);
      expect(json.data).toBeNull();
      expect(json.errors).toHaveLength(1);
      expect(json.errors?.[0]).toMatchObject({ path: ['last'], extensions: facts });
      expect(json.errors?.[0]?.extensions['created']).toEqual([
        { path: 'one', id: one },
        { path: 'all.0', id: first },
        { path: 'all.2', id: second },
      ]);
    }
  });

  test('an answer without data names the task whose own result is missing', async () => {
    const gateway = await startScriptedGateway();
    const variables = { one: inputThat('succeeds'), inputs: [], last: inputThat('has no taskId') };
    for (const _ of ['unknown', 'known']) {
      const { json } = await gateway.graphql({ query: MUTATION, variables });
      const [one, last] = gateway.ids.slice(-2);
      expect(json.data).toBeNull();
      expect(json.errors).toMatchObject([
        {
          path: ['last', 'accountTask', 'taskId'],
          extensions: {
            code: 'INTERNAL_SERVER_ERROR',
            outcome: 'UNKNOWN',
            created: [
              { path: 'one', id: one },
              { path: 'last', id: last },
            ],
          },
        },
      ]);
    }
  });

  test('an answer without data has an error for each item of a batch that may have been created, logged once', async () => {
    const gateway = await startScriptedGateway();
    const variables = {
      one: inputThat('succeeds'),
      inputs: [item('has an unknown outcome'), item('is refused'), item('meets a defect')],
      last: inputThat('is refused'),
    };
    for (const _ of ['unknown', 'known']) {
      const before = gateway.logged.length;
      const { json } = await gateway.graphql({ query: MUTATION, variables });
      const created = [{ path: 'one', id: gateway.ids.at(-1) }];
      expect(json.errors).toMatchObject([
        {
          message: 'Too slow.',
          path: ['all', 0],
          extensions: { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN', retryable: false, created },
        },
        {
          message: 'Unexpected error.',
          path: ['all', 2],
          extensions: { code: 'INTERNAL_SERVER_ERROR', outcome: 'UNKNOWN', retryable: false, created },
        },
        { message: 'No.', path: ['last'], extensions: { code: 'TASK_REJECTED', outcome: 'REJECTED', created } },
      ]);
      expect(gateway.logged.slice(before)).toHaveLength(4);
    }
  });

  test('an answer with data does not repeat the created tasks in its errors', async () => {
    const gateway = await startScriptedGateway();
    const query =
      'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id startDate } } }';
    for (const _ of ['unknown', 'known']) {
      const { json } = await gateway.graphql({ query, variables: { input: inputThat('has an odd date') } });
      expect(json.data).toEqual({ createAccountTask: { accountTask: { id: gateway.ids.at(-1), startDate: null } } });
      expect(json.errors?.[0]?.extensions).not.toHaveProperty('created');
    }
  });
});

test('an answer without data names a replayed task too', async () => {
  const gateway = await startStoreGateway();
  const query = `mutation ($inputs: [CreateAccountTaskItem!]!, $bad: CreateAccountTaskInput!) {
    all: createAccountTasks(inputs: $inputs) { __typename }
    bad: createAccountTask(input: $bad) { replayed }
  }`;
  const variables = {
    inputs: [{ input: SAMPLE_INPUT, idempotencyKey: 'key' }],
    bad: { ...SAMPLE_INPUT, taskId: 'x' },
  };
  const created = [];
  for (const _ of ['created', 'replayed']) {
    const { json } = await gateway.graphql({ query, variables });
    created.push(json.errors?.[0]?.extensions['created']);
  }
  await gateway.close();
  expect(created[0]).toEqual([{ path: 'all.0', id: expect.any(String) as unknown }]);
  expect(created[1]).toEqual(created[0]);
});
