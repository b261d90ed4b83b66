import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

/** The subgraph of another team, which extends the types that an account task refers to. */
export const CATALOGUE_SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@tag"])
  type Task @key(fields: "id") { id: ID! title: String! @tag(name: "public") }
  type Client @key(fields: "id") { id: ID! name: String! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Query { lastRun: AccountTask }
  type AccountTask @key(fields: "id", resolvable: false) { id: ID! }
`;

export interface CatalogueSubgraph {
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Reference {
  readonly id: string;
}

/** Starts the subgraph on loopback. `lastRun` refers to the account task with this ID. */
export async function startCatalogueSubgraph(lastRunId: () => string): Promise<CatalogueSubgraph> {
  const server = new ApolloServer({
    schema: buildSubgraphSchema({
      typeDefs: parse(CATALOGUE_SDL),
      resolvers: {
        Query: { lastRun: () => ({ id: lastRunId() }) },
        Task: { __resolveReference: ({ id }: Reference) => ({ id, title: `Task ${id}` }) },
        Client: { __resolveReference: ({ id }: Reference) => ({ id, name: `Client ${id}` }) },
      },
    }),
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
  const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
  return { url, close: () => server.stop() };
}
