import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openBackend, storeBackend } from '../../src/app/open-backend.ts';
import type { RunningGateway } from '../support/running-gateway.ts';
import { SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';

const CREATE = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
const FIND = 'query ($id: ID!) { accountTask(id: $id) { id } }';
const LIST = `query ($first: Int, $after: String) {
  accountTasks(first: $first, after: $after) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const gateway = await startStoreGateway();
afterAll(() => gateway.close());
const ids: string[] = [];
for (let count = 0; count < 7; count += 1) ids.unshift(await createSampleTask());

async function ask<Data>(query: string, variables: object = {}, to: RunningGateway = gateway): Promise<Data> {
  const { json } = await to.graphql({ query, variables });
  expect(json.errors).toBeUndefined();
  return json.data as Data;
}

async function createSampleTask(): Promise<string> {
  type Data = { readonly createAccountTask: { readonly accountTask: { readonly id: string } } };
  return (await ask<Data>(CREATE, { input: SAMPLE_INPUT })).createAccountTask.accountTask.id;
}

async function askForPage(variables: object): Promise<Page> {
  return (await ask<{ readonly accountTasks: Page }>(LIST, variables)).accountTasks;
}

describe('accountTasks', () => {
  test('lists all tasks page by page, newest first, with the cursors it returns', async () => {
    const pages: Page[] = [];
    let after: string | null = null;
    do {
      const page: Page = await askForPage({ first: 3, after });
      pages.push(page);
      after = page.pageInfo.endCursor;
    } while (pages.at(-1)?.pageInfo.hasNextPage);
    expect(pages.map(({ edges }) => edges.map(({ node }) => node.id))).toEqual([
      ids.slice(0, 3),
      ids.slice(3, 6),
      ids.slice(6),
    ]);
    expect(pages.map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual([false, true, true]);
    for (const { edges, pageInfo } of pages) {
      expect(pageInfo.startCursor).toBe(edges[0]?.cursor);
      expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor);
    }
  });

  test('returns an empty page without cursors after the last task', async () => {
    const { pageInfo } = await askForPage({ first: 7 });
    expect(pageInfo.hasNextPage).toBe(false);
    expect(await askForPage({ after: pageInfo.endCursor })).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
  });

  test('returns 20 tasks by default and up to 100 on request', async () => {
    const other = await startStoreGateway();
    onTestFinished(() => other.close());
    const creates = Array.from(
      { length: 21 },
      (_, i) => `t${i}: createAccountTask(input: $input) { accountTask { id } }`,
    );
    const query = `mutation ($input: CreateAccountTaskInput!) { ${creates.join(' ')} }`;
    await ask(query, { input: SAMPLE_INPUT }, other);
    const sizeOf = async (first?: number | null) =>
      (await ask<{ readonly accountTasks: Page }>(LIST, { first }, other)).accountTasks.edges.length;
    expect(await sizeOf()).toBe(20);
    expect(await sizeOf(null)).toBe(20);
    expect(await sizeOf(100)).toBe(21);
    expect(await sizeOf(1)).toBe(1);
  });

  test.each([0, 101, -1])('refuses first: %i with a message that names the accepted range', async (first) => {
    const { json } = await gateway.graphql({ query: LIST, variables: { first } });
    expect(json.errors?.[0]?.message).toBe(`first: expected 1 to 100, got ${first}`);
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
  });

  test.each([
    '',
    'x',
    'AccountTask:',
    Buffer.from('AccountTask:7').toString('base64'),
    Buffer.from(`Task:${SAMPLE_INPUT.taskId}`).toString('base64'),
    SAMPLE_INPUT.taskId,
  ])('refuses after: "%s", which is not one of its cursors', async (after) => {
    const { json } = await gateway.graphql({ query: LIST, variables: { after } });
    expect(json.errors?.[0]?.message).toBe(`after: expected a cursor that accountTasks returned, got "${after}"`);
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
  });
});

describe('accountTask', () => {
  test('accepts a GUID in every format and case, and returns it hyphenated and lower-case', async () => {
    const [id = ''] = ids;
    for (const form of [id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, `(${id.toUpperCase()})`])
      expect(await ask(FIND, { id: form })).toEqual({ accountTask: { id } });
  });

  test('is null if the caller has no task with that ID', async () => {
    expect(await ask(FIND, { id: SAMPLE_INPUT.taskId })).toEqual({ accountTask: null });
  });

  test('refuses an ID that is not a GUID', async () => {
    const { json } = await gateway.graphql({ query: FIND, variables: { id: '7' } });
    expect(json.errors?.[0]?.message).toMatch(/^id: expected a GUID: .+, got "7"$/);
    expect(json.data).toEqual({ accountTask: null });
  });

  test('loads all tasks of a request in one look-up, each ID once', async () => {
    const calls: (readonly string[])[] = [];
    const counting = await startGateway(
      async (config, observers) => {
        const backend = await storeBackend(gateway.store, config, observers);
        const { tasks } = backend;
        return {
          ...backend,
          tasks: {
            ...tasks,
            find(wanted, call) {
              calls.push(wanted);
              return tasks.find(wanted, call);
            },
            close: async () => {},
          },
        };
      },
      { authorization: `Bearer ${gateway.token}` },
    );
    onTestFinished(() => counting.close());
    const wanted = [...ids, SAMPLE_INPUT.taskId, ids[0]?.toUpperCase() ?? ''];
    const aliases = wanted.map((id, index) => `t${index}: accountTask(id: "${id}") { id }`);
    const found = await ask<Record<string, unknown>>(`{ ${aliases.join(' ')} }`, {}, counting);
    expect(Object.values(found)).toEqual([...ids.map((id) => ({ id })), null, { id: ids[0] }]);
    expect(calls).toEqual([[...ids, SAMPLE_INPUT.taskId]]);
  });
});

describe('detail', () => {
  test('a value that an enum or a double cannot represent is null in its field and verbatim in detail', async () => {
    const Detail = `{"ID":"${SAMPLE_INPUT.taskId}","TaskID":"${SAMPLE_INPUT.taskId}","Frequency":"FORTNIGHTLY",
      "Notification":"NONE","ContentType":"text/csv","Cost": 12345678901234567890.10,"Tiny":1E-400,"Nested":[{"n":-0.0}]}`;
    const service = await startRestService({
      answer: () => ({
        status: 200,
        headers: { 'Content-Type': 'application/json' },
        body: `{"Error":null,"ResponseData":{"Detail":${Detail}}}`,
      }),
    });
    onTestFinished(() => service.close());
    const upstream = await startGateway(openBackend, {
      env: { UPSTREAM_URL: service.url.href, RECORD: 'off' },
      authorization: 'Bearer of-a-caller',
    });
    onTestFinished(() => upstream.close());
    const fields = '{ accountTask { frequency notification contentType detail } }';
    const { text, json } = await upstream.graphql({
      query: `mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) ${fields} }`,
      variables: { input: SAMPLE_INPUT },
    });
    expect(json.data).toMatchObject({
      createAccountTask: {
        accountTask: {
          frequency: null,
          notification: 'NONE',
          contentType: null,
          detail: { Frequency: 'FORTNIGHTLY', ContentType: 'text/csv' },
        },
      },
    });
    expect(text).toContain('"Cost":12345678901234567890.10,"Tiny":1E-400,"Nested":[{"n":-0.0}]');
  });
});
