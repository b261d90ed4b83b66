import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { DATA, ERRORS, REASON, toEnvelope } from '../support/envelope-text.ts';
import { startRestService } from '../support/rest-service.ts';
import { CATALOGUE_SDL, startCatalogueSubgraph } from './support/catalogue-subgraph.ts';
import { COMPOSERS, startFederatedGraph } from '../support/federated-graph.ts';

const ACCOUNT_TASKS_SDL = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');

let lastRunId = '';
const gateway = await startStoreGateway({ mode: 'serve' });
const catalogue = await startCatalogueSubgraph(() => lastRunId);
afterAll(() => Promise.all([gateway.close(), catalogue.close()]));
const subgraphs = [
  { name: 'account-tasks', sdl: ACCOUNT_TASKS_SDL, url: new URL('graphql', gateway.url).href },
  { name: 'catalogue', sdl: CATALOGUE_SDL, url: catalogue.url },
];
const authorization = `Bearer ${gateway.token}`;

const CREATE = `mutation ($input: CreateAccountTaskInput!) {
  createAccountTask(input: $input) { accountTask { id startDate detail task { id title } client { id name } } }
}`;

describe.each(Object.entries(COMPOSERS))('a graph composed by %s', async (_name, compose) => {
  const { supergraphSdl = '', remarks } = compose(subgraphs);
  const graph = await startFederatedGraph(supergraphSdl);
  afterAll(() => graph.close());

  test('composition reports no error or hint, and keeps the tags of the other subgraph', () => {
    expect(remarks).toEqual([]);
    expect(supergraphSdl).toContain('@tag(name: "public")');
  });

  test('composition fails with a subgraph that contradicts this one', () => {
    const contradiction = { name: 'other', url: 'http://127.0.0.1', sdl: 'type Identification { userId: Int }' };
    expect(compose([...subgraphs, contradiction]).remarks).not.toEqual([]);
  });

  test('a mutation joins both subgraphs', async () => {
    const { json } = await graph.graphql({ query: CREATE, variables: { input: SAMPLE_INPUT } }, { authorization });
    expect(json.errors).toBeUndefined();
    expect(json.data?.['createAccountTask']).toMatchObject({
      accountTask: {
        startDate: SAMPLE_INPUT.startDate,
        detail: { Parameters: SAMPLE_INPUT.parameters },
        task: { id: SAMPLE_TASK_ID, title: `Task ${SAMPLE_TASK_ID}` },
        client: { id: gateway.clientId, name: `Client ${gateway.clientId}` },
      },
    });
  });

  test("the other subgraph refers to account tasks, of the caller's own account only", async () => {
    const created = await gateway.graphql({
      query: CREATE.replace(' title', '').replace(' name', ''),
      variables: { input: SAMPLE_INPUT },
    });
    lastRunId = (created.json.data as unknown as { createAccountTask: { accountTask: { id: string } } })
      .createAccountTask.accountTask.id;
    const query = '{ lastRun { id name task { title } } accountTask(id: "$id") { name } }'.replace('$id', lastRunId);
    const own = await graph.graphql({ query }, { authorization });
    expect(own.json).toEqual({
      data: {
        lastRun: { id: lastRunId, name: 'Sample task', task: { title: `Task ${SAMPLE_TASK_ID}` } },
        accountTask: { name: 'Sample task' },
      },
    });
    const { client } = await gateway.store.clients.create({ name: 'foreign' });
    const { token } = await gateway.store.tokens.issue({ accountId: client.accountId, clientId: client.id });
    const foreign = await graph.graphql(
      { query: query.replace('name task { title }', 'name') },
      { authorization: `Bearer ${token}` },
    );
    expect(foreign.json).toEqual({ data: { lastRun: { id: lastRunId, name: null }, accountTask: null } });
    const nobody = await graph.graphql({ query: `{ accountTask(id: "${lastRunId}") { name } }` });
    expect(nobody.json).toMatchObject({
      data: { accountTask: null },
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  test("the router passes on a failure's extensions unchanged", async () => {
    const input = { ...SAMPLE_INPUT, taskId: 'ffffffff-ffff-4fff-8fff-ffffffffffff' };
    const headers = { authorization, 'x-request-id': 'trace-45' };
    const { status, json } = await graph.graphql({ query: CREATE, variables: { input } }, headers);
    expect(status).toBe(200);
    expect(json.data).toBeNull();
    expect(json.errors).toMatchObject([
      {
        message: expect.stringContaining('catalogue') as unknown,
        path: ['createAccountTask'],
        extensions: { code: 'TASK_NOT_FOUND', outcome: 'REJECTED', retryable: false, requestId: 'trace-45' },
      },
    ]);
  });
});

test("the caller's Authorization goes through the graph to the service, and the service's own reason comes back", async () => {
  const service = await startRestService({
    answer: ({ headers }) =>
      headers.authorization === 'Bearer unknown'
        ? {
            status: 400,
            headers: { 'Content-Type': 'application/json' },
            body: toEnvelope('json', ERRORS.set, DATA.absent),
          }
        : null,
  });
  onTestFinished(() => service.close());
  const forwarding = await startGateway(openBackend, {
    mode: 'serve',
    env: { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:', LOG_LEVEL: 'silent' },
  });
  onTestFinished(() => forwarding.close());
  const sdl = (await forwarding.graphql({ query: '{ _service { sdl } }' })).json.data?.['_service']?.['sdl'] ?? '';
  const url = new URL('graphql', forwarding.url).href;
  const { supergraphSdl = '' } = COMPOSERS['Apollo']?.([{ name: 'account-tasks', sdl, url }]) ?? {};
  const graph = await startFederatedGraph(supergraphSdl);
  onTestFinished(() => graph.close());
  const create = (caller: string) =>
    graph.graphql(
      { query: CREATE.replace(' title', '').replace(' name', ''), variables: { input: SAMPLE_INPUT } },
      { authorization: `Bearer ${caller}` },
    );

  expect((await create('caller-1')).json.errors).toBeUndefined();
  const { json } = await create('unknown');
  expect(json.errors).toMatchObject([
    {
      message: REASON,
      extensions: {
        code: 'TASK_REJECTED',
        outcome: 'REJECTED',
        errorCode: 'E17',
        errorReason: REASON,
        retryable: false,
      },
    },
  ]);
  expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer caller-1', 'Bearer unknown']);
});
