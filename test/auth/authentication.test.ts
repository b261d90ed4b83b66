import { afterAll, describe, expect, test } from 'vitest';
import { SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const CREATE = {
  query:
    'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id clientId } } }',
  variables: { input: SAMPLE_INPUT },
};

describe('a caller of the store backend', () => {
  for (const authorization of ['', 'Bearer', 'Bearer nonsense', 'Basic dXNlcjpwYXNz', `Bearer ${'x'.repeat(5000)}`]) {
    test(`with Authorization "${authorization.slice(0, 20)}" is UNAUTHENTICATED and nothing is stored`, async () => {
      const { status, json } = await gateway.graphql(CREATE, { authorization });
      expect(status).toBe(200);
      expect(json.errors?.[0]?.extensions).toMatchObject({
        code: 'UNAUTHENTICATED',
        outcome: 'NOT_SENT',
        retryable: false,
      });
      const { json: list } = await gateway.graphql({ query: '{ accountTasks { edges { cursor } } }' });
      expect(list.data).toEqual({ accountTasks: { edges: [] } });
    });
  }

  test('needs no credentials for introspection', async () => {
    const { json } = await gateway.graphql({ query: '{ __typename }' }, { authorization: '' });
    expect(json.data).toEqual({ __typename: 'Query' });
  });

  test("sees only its own account's tasks", async () => {
    const { client: other } = await gateway.store.clients.create({ name: 'other' });
    const { token } = await gateway.store.tokens.issue({ accountId: other.accountId, clientId: other.id });
    const authorization = `Bearer ${token}`;
    const { json } = await gateway.graphql(CREATE, { authorization });
    const { id, clientId } = (json.data as unknown as { createAccountTask: { accountTask: Record<string, string> } })
      .createAccountTask.accountTask;
    expect(clientId).toBe(other.id);
    const read = { query: 'query ($id: ID!) { accountTask(id: $id) { id } }', variables: { id } };
    expect((await gateway.graphql(read, { authorization })).json.data).toEqual({ accountTask: { id } });
    expect((await gateway.graphql(read)).json.data).toEqual({ accountTask: null });
    expect((await gateway.graphql({ query: '{ accountTasks { edges { cursor } } }' })).json.data).toEqual({
      accountTasks: { edges: [] },
    });
  });

  test('of an account without a client gets CLIENT_REQUIRED', async () => {
    const { token } = await gateway.store.tokens.issue({
      accountId: '11111111-2222-4333-8444-555555555555',
      clientId: null,
    });
    const { json } = await gateway.graphql(CREATE, { authorization: `Bearer ${token}` });
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'CLIENT_REQUIRED', outcome: 'REJECTED' });
  });

  test('who registers a task that is not in the catalogue gets TASK_NOT_FOUND', async () => {
    const input = { ...SAMPLE_INPUT, taskId: '00000000-0000-4000-8000-000000000001' };
    const { json } = await gateway.graphql({ ...CREATE, variables: { input } });
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'TASK_NOT_FOUND', outcome: 'REJECTED' });
  });
});
