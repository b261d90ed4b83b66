import { onTestFinished } from 'vitest';
import { openDemo } from '../../src/app/demo.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import type { CreateAccountTaskInput, GraphqlOperation, Send } from '../../src/client/account-task-client.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';

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

/** The sample input with the TaskID of a fault. */
export function faultInput(digits: string): CreateAccountTaskInput {
  return { ...SAMPLE_INPUT, taskId: `fa000000-0000-4000-8000-000000000${digits}` };
}

/** Starts the demo with a client that loses requests or answers on demand. */
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
  return withLosses(gateway, authorization);
}

/** Starts a gateway in front of a service, with the same client. */
export async function startUpstreamGateway(service: URL) {
  const gateway = await startGateway(openBackend, {
    env: { UPSTREAM_URL: service.href, DATABASE_URL: 'sqlite::memory:' },
  });
  return withLosses(gateway, 'Bearer caller-1');
}

function withLosses(gateway: RunningGateway, authorization: string) {
  onTestFinished(() => gateway.close());
  /** The operations that were sent, each with its key. */
  const sent: (readonly [name: string, key: unknown])[] = [];
  let lost: 'request' | 'answer' | null = null;
  let token = authorization;
  const send: Send = async ({ query, variables }: GraphqlOperation) => {
    sent.push([/\w+ (\w+)/.exec(query)?.[1] ?? '', variables['idempotencyKey']]);
    if (lost === 'request') throw new TypeError('fetch failed');
    const { json } = await gateway.graphql({ query, variables }, { authorization: token });
    if (lost === 'answer') throw new TypeError('fetch failed');
    return json;
  };
  return {
    send,
    sent,
    lose: (what: 'request' | 'answer' | null) => void (lost = what),
    authorize: (other: string | null) => void (token = other ?? authorization),
    count: async () => {
      const query = '{ accountTasks { edges { node { id } } } }';
      const { json } = await gateway.graphql({ query }, { authorization });
      return (json.data?.['accountTasks'] as { readonly edges: readonly object[] } | undefined)?.edges.length;
    },
  };
}
