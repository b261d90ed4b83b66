import { SAMPLE_INPUT } from '../running-gateway.ts';

/** What a caller learned of a create. */
export type Verdict =
  | { readonly kind: 'created'; readonly id: string; readonly replayed: boolean }
  | { readonly kind: 'failed'; readonly failure: string; readonly message: string }
  /** No answer came: the gateway is gone. */
  | { readonly kind: 'unanswered' };

/** A task as `accountTasks` shows it. */
export type ListedTask = Readonly<Record<string, unknown>> & { readonly id: string; readonly parameters: string };

export interface GraphqlCaller {
  /** Creates the sample task with these parameters. */
  create(address: URL, parameters: string, idempotencyKey?: string | null): Promise<Verdict>;
  /** Every task of the caller, newest first. */
  list(address: URL): Promise<readonly ListedTask[]>;
}

interface Answer<Data> {
  /** Whole when there are no errors. */
  readonly data: Data;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly outcome?: string };
  }[];
}

interface Create {
  readonly createAccountTask: { readonly replayed: boolean; readonly accountTask: { readonly id: string } };
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
  const readPage = (address: URL, after: string | null): Promise<Answer<List>> => ask(address, LIST, { after });
  return {
    async create(address, parameters, idempotencyKey = null) {
      const input = { ...SAMPLE_INPUT, parameters };
      const answer = await ask<Create>(address, CREATE, { input, idempotencyKey }).catch(() => null);
      if (!answer) return { kind: 'unanswered' };
      const [error] = answer.errors ?? [];
      if (error) {
        const { code, outcome = '' } = error.extensions;
        return { kind: 'failed', failure: `${code} ${outcome}`.trim(), message: error.message };
      }
      const { replayed, accountTask } = answer.data.createAccountTask;
      return { kind: 'created', id: accountTask.id, replayed };
    },
    async list(address) {
      const tasks: ListedTask[] = [];
      for (let after: string | null = null; ; ) {
        const { data, errors } = await readPage(address, after);
        if (errors) throw new Error(`The tasks cannot be listed: ${JSON.stringify(errors)}`);
        const { nodes, pageInfo } = data.accountTasks;
        tasks.push(...nodes.map(({ node }) => node));
        if (!pageInfo.hasNextPage) return tasks;
        after = pageInfo.endCursor;
      }
    },
  };
}
