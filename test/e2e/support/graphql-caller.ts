import { SAMPLE_INPUT } from '../../support/running-gateway.ts';

/** The result of a write or a read, as the caller sees it. */
export type Verdict =
  | { readonly kind: 'created'; readonly id: string; readonly replayed: boolean }
  | { readonly kind: 'updated' }
  | { readonly kind: 'ran'; readonly replayed: boolean }
  | { readonly kind: 'found'; readonly parameters: string | null }
  | { readonly kind: 'failed'; readonly failure: string; readonly message: string }
  /** No answer came, since the gateway is down. */
  | { readonly kind: 'unanswered' };

/** A task as `accountTasks` shows it. */
export type ListedTask = Readonly<Record<string, unknown>> & { readonly id: string; readonly parameters: string };

export interface GraphqlCaller {
  /** Creates the sample task with these parameters. */
  create(address: URL, parameters: string, idempotencyKey?: string | null): Promise<Verdict>;
  /** Replaces one of the caller's tasks by the sample task with these parameters. */
  update(address: URL, id: string, parameters: string): Promise<Verdict>;
  run(address: URL, id: string, idempotencyKey: string): Promise<Verdict>;
  /** One of the caller's tasks. */
  find(address: URL, id: string): Promise<Verdict>;
  /** Every task of the caller, newest first. */
  list(address: URL): Promise<readonly ListedTask[]>;
}

interface Answer<Data> {
  /** Complete if there are no errors. */
  readonly data: Data;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly outcome?: string };
  }[];
}

interface Create {
  readonly createAccountTask: { readonly replayed: boolean; readonly accountTask: { readonly id: string } };
}

interface Ran {
  readonly runAccountTask: { readonly replayed: boolean };
}

interface Found {
  readonly accountTask: { readonly parameters: string } | null;
}

interface List {
  readonly accountTasks: {
    readonly nodes: readonly { readonly node: ListedTask }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

const CREATE = `mutation ($input: CreateAccountTaskInput!, $idempotencyKey: String) {
  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) { replayed accountTask { id } }
}`;
const UPDATE = `mutation ($id: ID!, $input: UpdateAccountTaskInput!) {
  updateAccountTask(id: $id, input: $input) { result }
}`;
const RUN = `mutation ($id: ID!, $idempotencyKey: String) {
  runAccountTask(id: $id, idempotencyKey: $idempotencyKey) { replayed }
}`;
const FIND = 'query ($id: ID!) { accountTask(id: $id) { parameters } }';
const LIST = `query ($after: String) {
  accountTasks(first: 100, after: $after) {
    nodes: edges {
      node {
        id taskId name enabled frequency startDate finishDate parameters contentType notification
        dateCreated dateModified lastModifiedBy status clientId
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

export function createCaller(authorization: string): GraphqlCaller {
  const ask = async <Data>(address: URL, query: string, variables: object): Promise<Answer<Data>> => {
    const response = await fetch(new URL('graphql', address), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer<Data>;
  };
  const askForPage = (address: URL, after: string | null): Promise<Answer<List>> => ask(address, LIST, { after });
  return {
    async create(address, parameters, idempotencyKey = null) {
      const input = { ...SAMPLE_INPUT, parameters };
      const answering = ask<Create>(address, CREATE, { input, idempotencyKey });
      return toVerdict(answering, ({ createAccountTask: { replayed, accountTask } }) => ({
        kind: 'created',
        id: accountTask.id,
        replayed,
      }));
    },
    update: (address, id, parameters) =>
      toVerdict(ask(address, UPDATE, { id, input: { ...SAMPLE_INPUT, enabled: true, parameters } }), () => ({
        kind: 'updated',
      })),
    run: (address, id, idempotencyKey) =>
      toVerdict(ask<Ran>(address, RUN, { id, idempotencyKey }), ({ runAccountTask: { replayed } }) => ({
        kind: 'ran',
        replayed,
      })),
    find: (address, id) =>
      toVerdict(ask<Found>(address, FIND, { id }), ({ accountTask }) => ({
        kind: 'found',
        parameters: accountTask?.parameters ?? null,
      })),
    async list(address) {
      const tasks: ListedTask[] = [];
      for (let after: string | null = null; ; ) {
        const { data, errors } = await askForPage(address, after);
        if (errors) throw new Error(`The tasks cannot be listed: ${JSON.stringify(errors)}`);
        const { nodes, pageInfo } = data.accountTasks;
        tasks.push(...nodes.map(({ node }) => node));
        if (!pageInfo.hasNextPage) return tasks;
        after = pageInfo.endCursor;
      }
    },
  };
}

async function toVerdict<Data>(answering: Promise<Answer<Data>>, toResult: (data: Data) => Verdict): Promise<Verdict> {
  const answer = await answering.catch(() => null);
  if (!answer) return { kind: 'unanswered' };
  const [error] = answer.errors ?? [];
  if (!error) return toResult(answer.data);
  const { code, outcome = '' } = error.extensions;
  return { kind: 'failed', failure: `${code} ${outcome}`.trim(), message: error.message };
}
