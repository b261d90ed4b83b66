import { randomUUID } from 'node:crypto';
import { openDemo } from '../../src/app/demo.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import type { CreateAccountTaskInput, GraphqlOperation, Send } from '../../src/client/account-task-client.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';

/** A storage in memory, as browsers have it. */
export function memoryStorage() {
  const texts = new Map<string, string>();
  return {
    texts,
    get length() {
      return texts.size;
    },
    key: (index: number) => [...texts.keys()][index] ?? null,
    getItem: (name: string) => texts.get(name) ?? null,
    setItem: (name: string, text: string) => void texts.set(name, text),
    removeItem: (name: string) => void texts.delete(name),
  };
}

/** Returns the sample input with Parameters of its own, because calls with one input wait for each other across tests. */
export function newInput(): CreateAccountTaskInput {
  return { ...SAMPLE_INPUT, parameters: JSON.stringify({ test: randomUUID() }) };
}

/** Starts the demo; returns the Authorization of its client as well. */
export async function startDemoGateway() {
  let authorization = '';
  const gateway = await startGateway(
    async (config, observers) => {
      const demo = await openDemo(config, observers);
      ({ authorization } = demo);
      return demo.backend;
    },
    { env: { DATABASE_URL: 'sqlite::memory:' } },
  );
  return { ...gateway, authorization };
}

/** Starts a gateway in front of a service. */
export async function startUpstreamGateway(service: URL) {
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.href, DATABASE_URL: 'sqlite::memory:' },
  });
  return { ...gateway, authorization: 'Bearer caller-1' };
}

/** Opens a client that loses requests or answers on demand. */
export async function openLossyClient({ graphql, authorization }: Awaited<ReturnType<typeof startDemoGateway>>) {
  /** The operations that were sent, each with its key. */
  const sent: (readonly [name: string, key: unknown])[] = [];
  let lost: 'request' | 'answer' | null = null;
  let token = authorization;
  const send: Send = async ({ query, variables }: GraphqlOperation) => {
    sent.push([/\w+ (\w+)/.exec(query)?.[1] ?? '', variables['idempotencyKey']]);
    if (lost === 'request') throw new TypeError('fetch failed');
    const { json } = await graphql({ query, variables }, { authorization: token });
    if (lost === 'answer') throw new TypeError('fetch failed');
    return json;
  };
  const countAll = async (): Promise<number> => {
    const { json } = await graphql({ query: '{ accountTasks { totalCount } }' }, { authorization });
    const { totalCount } = (json.data?.['accountTasks'] ?? {}) as { readonly totalCount?: number };
    return totalCount ?? Number.NaN;
  };
  const before = await countAll();
  return {
    send,
    sent,
    lose: (what: 'request' | 'answer' | null) => void (lost = what),
    authorize: (other: string | null) => void (token = other ?? authorization),
    /** Counts the tasks that were created since the client was opened. */
    count: async () => (await countAll()) - before,
    names: () => sent.map(([name]) => name),
    keys: () => new Set(sent.map(([, key]) => key)).size,
  };
}
