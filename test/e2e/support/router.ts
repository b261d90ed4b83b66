import { readFileSync } from 'node:fs';
import { SAMPLE_INPUT } from '../../support/running-gateway.ts';
import { COMPOSERS, type Fetcher, startFederatedGraph } from '../../support/federated-graph.ts';

const SDL = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
export const CREATE_WITH_KEY = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { replayed accountTask { id } }
}`;

/** Starts a router in front of the subgraph at `url`, with this fetcher for its requests. */
export async function startRouter(url: URL, fetcher: Fetcher) {
  const { supergraphSdl = '' } = COMPOSERS['Apollo']?.([{ name: 'account-tasks', sdl: SDL, url: url.href }]) ?? {};
  const graph = await startFederatedGraph(supergraphSdl, fetcher);
  return {
    ...graph,
    create: (key: string | null = null) =>
      graph.graphql(
        { query: CREATE_WITH_KEY, variables: { input: SAMPLE_INPUT, key } },
        { authorization: 'Bearer caller-1' },
      ),
  };
}
