import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { item } from '../support/batch.ts';
import {
  type GatewayAnswer,
  type RunningGateway,
  SAMPLE_INPUT,
  startGateway,
  startStoreGateway,
} from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';

const MAX_ANSWER_BYTES = 200_000;
const LARGE = JSON.stringify('x'.repeat(30_000));
const CREATE = `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) {
  ... on CreateAccountTaskPayload { replayed accountTask { id parameters detail } } ... on CreateAccountTaskFailure { code outcome message } } }`;
const TOO_LARGE = { code: 'ANSWER_TOO_LARGE', outcome: 'NOT_SENT', retryable: false };

const largeTexts = (count: number): readonly string[] => Array<string>(count).fill(LARGE);

interface Edge {
  readonly node: { readonly id: string; readonly parameters?: string | null; readonly detail?: object };
}
interface Page {
  readonly edges: readonly Edge[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}
interface Created {
  readonly accountTask: {
    readonly id: string;
    readonly parameters: string | null;
    readonly detail: Readonly<Record<string, unknown>>;
  };
}

async function startLimited(env: Readonly<Record<string, string>> = {}): Promise<RunningGateway> {
  const gateway = await startStoreGateway({ env: { MAX_ANSWER_BYTES: String(MAX_ANSWER_BYTES), ...env } });
  onTestFinished(() => gateway.close());
  return gateway;
}

/** Creates tasks one after another and returns their IDs, newest first. */
async function createTasks(gateway: RunningGateway, parameters: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const text of parameters) {
    const { json } = await gateway.graphql({
      query: 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }',
      variables: { input: { ...SAMPLE_INPUT, parameters: text } },
    });
    const { createAccountTask } = json.data as unknown as { createAccountTask: Created };
    ids.unshift(createAccountTask.accountTask.id);
  }
  return ids;
}

/** Sends the query twice, once in a media type that only Yoga reads, and both answers must be equal. */
async function askTwice(gateway: RunningGateway, query: string, variables: object = {}): Promise<GatewayAnswer> {
  const headers = { 'x-request-id': 'same' };
  const first = await gateway.graphql({ query, variables }, { ...headers, 'content-type': 'application/graphql+json' });
  const second = await gateway.graphql({ query, variables }, headers);
  // Compares without `toBe(text)`, which would print both long texts on failure.
  expect(second.text === first.text, 'the compiled plan answers as Yoga does').toBe(true);
  expect(Buffer.byteLength(first.text)).toBeLessThan(MAX_ANSWER_BYTES);
  return first;
}

describe('a list', () => {
  test('ends its page before the answer is too large, and skips no task on the next page', async () => {
    const gateway = await startLimited();
    const ids = await createTasks(gateway, largeTexts(16));
    const query = `query ($after: String) { accountTasks(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor } edges { node { id parameters task { id } } } } }`;
    const pages: Page[] = [];
    for (let after: string | null = null; pages.at(-1)?.pageInfo.hasNextPage ?? true; ) {
      const { json } = await askTwice(gateway, query, { after });
      expect(json.errors).toBeUndefined();
      const { accountTasks } = json.data as unknown as { accountTasks: Page };
      pages.push(accountTasks);
      after = accountTasks.pageInfo.endCursor;
    }
    expect(pages.map(({ edges }) => edges.length)).toEqual([5, 5, 5, 1]);
    expect(pages.flatMap(({ edges }) => edges.map(({ node }) => node.id))).toEqual(ids);
    for (const { node } of pages.flatMap(({ edges }) => edges)) expect(node.parameters).toBe(LARGE);
  });

  test('does not end its page early for texts that are not requested', async () => {
    const gateway = await startLimited();
    const ids = await createTasks(gateway, largeTexts(16));
    const { json } = await askTwice(
      gateway,
      '{ accountTasks { edges { node { id name } } pageInfo { hasNextPage } } }',
    );
    const { accountTasks } = json.data as unknown as { accountTasks: Page };
    expect(accountTasks.edges.map(({ node }) => node.id)).toEqual(ids);
    expect(accountTasks.pageInfo.hasNextPage).toBe(false);
  });

  test('counts the bytes of a text in JSON once for each time that the answer contains it', async () => {
    const gateway = await startLimited();
    await createTasks(
      gateway,
      Array.from({ length: 8 }, () => JSON.stringify(`"ü${'"'.repeat(7_500)}`)),
    );
    const lengths = [];
    for (const fields of ['parameters', 'parameters again: parameters', 'parameters detail ...F'])
      lengths.push(await countNodes(gateway, fields));
    // 15,000 characters are 30,000 bytes in JSON.
    expect(lengths).toEqual([6, 3, 2]);
  });

  test('shares the budget with the other lists of the request, and is empty if they use it up', async () => {
    const gateway = await startLimited();
    const ids = await createTasks(gateway, largeTexts(8));
    const after = Buffer.from(`AccountTask:${ids[0]}`).toString('base64');
    const fields = '{ edges { node { id parameters } } pageInfo { hasNextPage endCursor } }';
    const { json } = await askTwice(
      gateway,
      `{ a: accountTasks ${fields} b: accountTasks(after: "${after}") ${fields} }`,
    );
    expect(json.errors).toBeUndefined();
    const { a, b } = json.data as unknown as Record<'a' | 'b', Page>;
    expect(a.edges.map(({ node }) => node.id)).toEqual(ids.slice(0, 6));
    expect(a.pageInfo.hasNextPage).toBe(true);
    expect(b).toEqual({ edges: [], pageInfo: { hasNextPage: true, endCursor: after } });
  });

  test('contains its first task even if that is too large, with an error in place of each long text', async () => {
    const gateway = await startLimited({ MAX_ANSWER_BYTES: '20000' });
    const [newest] = await createTasks(gateway, ['1', LARGE]);
    const { json } = await askTwice(
      gateway,
      '{ accountTasks { edges { node { id parameters detail } } pageInfo { hasNextPage } } }',
    );
    const { accountTasks } = json.data as unknown as { accountTasks: Page };
    expect(accountTasks.edges).toEqual([
      { node: { id: newest, parameters: null, detail: expect.objectContaining({ ID: newest }) as unknown } },
    ]);
    expect(accountTasks.edges[0]?.node.detail).not.toHaveProperty('Parameters');
    expect(accountTasks.pageInfo.hasNextPage).toBe(true);
    expect(json.errors).toMatchObject([
      { message: expect.stringMatching(/^detail: long members were left out/) as unknown, extensions: TOO_LARGE },
      { path: ['accountTasks', 'edges', 0, 'node', 'parameters'], extensions: TOO_LARGE },
    ]);
  });
});

async function countNodes(gateway: RunningGateway, fields: string): Promise<number> {
  const fragment = fields.includes('...F') ? 'fragment F on AccountTask { twice: parameters id }' : '';
  const { json } = await askTwice(gateway, `{ accountTasks { edges { node { ${fields} } } } } ${fragment}`);
  expect(json.errors).toBeUndefined();
  return (json.data as unknown as { accountTasks: Page }).accountTasks.edges.length;
}

describe('accountTask and _entities', () => {
  test('tasks by ID that exceed the budget are errors: one task under many aliases', async () => {
    const gateway = await startLimited();
    const [id] = await createTasks(gateway, [LARGE]);
    const aliases = Array.from({ length: 10 }, (_, index) => `a${index}: accountTask(id: "${id}") { id parameters }`);
    const { json } = await askTwice(gateway, `{ ${aliases.join(' ')} }`);
    const texts = Object.values(json.data ?? {}).map((task) => (task as Edge['node']).parameters);
    expect(texts).toEqual([...Array<string>(6).fill(LARGE), null, null, null, null]);
    expect(json.errors).toMatchObject(
      [6, 7, 8, 9].map((index) => ({
        message: expect.stringContaining('an answer has at most 200000 bytes') as unknown,
        path: [`a${index}`, 'parameters'],
        extensions: TOO_LARGE,
      })),
    );
  });

  test('tasks by ID that exceed the budget are errors: different tasks, of which not all are read', async () => {
    const gateway = await startLimited();
    const ids = await createTasks(gateway, largeTexts(10));
    const { json } = await askTwice(
      gateway,
      'query ($r: [_Any!]!) { _entities(representations: $r) { ... on AccountTask { id parameters } } }',
      { r: ids.map((id) => ({ __typename: 'AccountTask', id })) },
    );
    const found = json.data?.['_entities'] as unknown as readonly (Edge['node'] | null)[];
    expect(found.filter((task) => task !== null)).toHaveLength(6);
    expect(found).toEqual(ids.map((id, index) => found[index] && { id, parameters: LARGE }));
    expect(json.errors).toHaveLength(4);
    for (const { extensions } of json.errors ?? []) expect(extensions).toMatchObject(TOO_LARGE);
  });
});

describe('a mutation', () => {
  const batch = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...item(LARGE), idempotencyKey: `${index}` }));

  test('returns every task that it created or replayed, and leaves out long values over budget', async () => {
    const gateway = await startLimited();
    const variables = { inputs: [...batch(8), item('{"broken":')] };
    const created = await gateway.graphql({ query: CREATE, variables });
    const again = await gateway.graphql({ query: CREATE, variables });
    for (const { json, text } of [created, again]) {
      expect(Buffer.byteLength(text)).toBeLessThan(MAX_ANSWER_BYTES);
      const results = json.data?.['createAccountTasks'] as unknown as readonly Created[];
      expect(results[8]).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
      const tasks = results.slice(0, 8).map(({ accountTask }) => accountTask);
      for (const { id, detail } of tasks) expect(detail['ID']).toBe(id);
      expect(tasks.filter(({ parameters }) => parameters === LARGE).length).toBeGreaterThan(0);
      expect(tasks.filter(({ parameters }) => parameters === null).length).toBeGreaterThan(0);
      expect(json.errors?.map(({ extensions }) => extensions)).toEqual(
        json.errors?.map(() => ({
          code: 'ANSWER_TOO_LARGE',
          retryable: false,
          requestId: expect.any(String) as unknown,
        })),
      );
    }
    const ids = ({ json }: GatewayAnswer) => {
      const results = json.data?.['createAccountTasks'] as unknown as readonly Partial<Created>[];
      return results.map((result) => result.accountTask?.id);
    };
    expect(ids(again)).toEqual(ids(created));
  });

  test('returns every task that it created even if the service answers with very long values', async () => {
    const service = await startRestService({
      answer({ body }) {
        const { TaskID } = JSON.parse(body.toString()) as { TaskID: string };
        const Detail = {
          ID: crypto.randomUUID(),
          TaskID,
          Name: 'n'.repeat(40_000),
          Parameters: '1',
          Other: 'o'.repeat(9_000),
        };
        return {
          status: 200,
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ Error: null, ResponseData: { Result: 'r'.repeat(50_000), Detail } }),
        };
      },
    });
    onTestFinished(() => service.close());
    const gateway = await startGateway(openBackend, {
      env: { UPSTREAM_URL: service.url.href, RECORD: 'off', MAX_ANSWER_BYTES: String(MAX_ANSWER_BYTES) },
      authorization: 'Bearer of-a-caller',
    });
    onTestFinished(() => gateway.close());
    const query = CREATE.replace('replayed', 'replayed result').replace('parameters', 'name parameters');
    for (const round of [1, 2]) {
      const { json, text } = await gateway.graphql({
        query,
        variables: { inputs: Array.from({ length: 10 }, () => item('1')) },
      });
      expect(Buffer.byteLength(text), `round ${round}`).toBeLessThan(MAX_ANSWER_BYTES);
      const results = json.data?.['createAccountTasks'] as unknown as readonly Created[];
      expect(results).toHaveLength(10);
      for (const { accountTask } of results)
        expect(accountTask).toMatchObject({ parameters: '1', detail: { ID: accountTask.id } });
    }
  });
});
