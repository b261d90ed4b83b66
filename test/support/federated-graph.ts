import { composeServices as composeWithApollo } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { composeServices as composeWithTheGuild } from '@theguild/federation-composition';
import { parse } from 'graphql';
import type { GraphqlAnswer } from './running-gateway.ts';

export interface Subgraph {
  readonly name: string;
  readonly sdl: string;
  readonly url: string;
}

export interface Composition {
  /** Undefined if the subgraphs cannot be composed. */
  readonly supergraphSdl: string | undefined;
  /** All errors and hints of the composer. */
  readonly remarks: readonly string[];
}

/** The two composers that combine subgraphs into a supergraph. */
export const COMPOSERS: Readonly<Record<string, (subgraphs: readonly Subgraph[]) => Composition>> = {
  Apollo: (subgraphs) => {
    const { supergraphSdl, errors = [], hints = [] } = composeWithApollo(toServices(subgraphs));
    return { supergraphSdl, remarks: [...errors, ...hints].map(String) };
  },
  'The Guild': (subgraphs) => {
    const { supergraphSdl, errors = [] } = composeWithTheGuild(toServices(subgraphs));
    return { supergraphSdl, remarks: errors.map(({ message }) => message) };
  },
};

export interface FederatedGraph {
  readonly graphql: (
    body: object,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; json: GraphqlAnswer }>;
  readonly close: () => Promise<void>;
}

/** Sends the router's requests to a subgraph. */
export type Fetcher = (url: string, init: RequestInit) => Promise<Response>;

/** Starts Apollo's gateway as a router in front of the subgraphs. It forwards the caller's Authorization and request ID. */
export async function startFederatedGraph(
  supergraphSdl: string,
  fetcher: Fetcher = (url, init) => fetch(url, init),
): Promise<FederatedGraph> {
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<Partial<Record<string, string>>>({
        ...(url === undefined ? {} : { url }),
        fetcher: fetcher as unknown as RemoteGraphQLDataSource['fetcher'],
        willSendRequest({ request, context }) {
          for (const name of FORWARDED_HEADERS) {
            const value = context[name];
            if (value) request.http?.headers.set(name, value);
          }
        },
      }),
  });
  const server = new ApolloServer({ gateway, includeStacktraceInErrorResponses: false });
  const { url } = await startStandaloneServer(server, {
    listen: { host: '127.0.0.1', port: 0 },
    context: async ({ req }) => Object.fromEntries(FORWARDED_HEADERS.map((name) => [name, req.headers[name]])),
  });
  return {
    close: () => server.stop(),
    async graphql(body, headers = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, json: (await response.json()) as GraphqlAnswer };
    },
  };
}

const FORWARDED_HEADERS = ['authorization', 'x-request-id'] as const;

function toServices(subgraphs: readonly Subgraph[]) {
  return subgraphs.map(({ name, sdl, url }) => ({ name, url, typeDefs: parse(sdl) }));
}
