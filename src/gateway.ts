import type { Backend, Observers } from './backend.ts';
import type { Config } from './config.ts';
import { createRestEndpoint } from './rest/account-task-endpoint.ts';
import { createSchema } from './schema/schema.ts';
import { createGraphiqlPage, type GraphiqlOptions } from './server/graphiql.ts';
import { createGraphqlEndpoint } from './server/graphql-endpoint.ts';
import { createCors } from './server/cors.ts';
import { createGatewayServer } from './server/server.ts';
import { createTokenEndpoint } from './server/token-endpoint.ts';
import { readTrustedDocuments } from './server/trusted-documents.ts';

export interface Gateway {
  /** Resolves with the address once requests are accepted. */
  listen(): Promise<URL>;
  /** Finishes the requests in flight, then lets go of the backend. */
  close(): Promise<void>;
}

/** Puts GraphQL and HTTP in front of a backend. */
export function createGateway(
  config: Config,
  { tasks, authenticate, issueToken, batchConcurrency }: Backend,
  { log, metrics }: Observers,
  graphiql: GraphiqlOptions,
): Gateway {
  const tables = { frequencies: config.frequencies, notifications: config.notifications };
  const schema = createSchema(tables);
  const graphql = createGraphqlEndpoint({
    schema,
    tasks,
    authenticate,
    log,
    metrics,
    batchConcurrency,
    introspection: config.introspection,
    trusted: config.trustedDocuments === null ? null : readTrustedDocuments(config.trustedDocuments, schema),
    fastLane: config.fastLane,
  });
  const server = createGatewayServer({
    graphql,
    cors: createCors(config.corsOrigins),
    graphiql: config.graphiql ? createGraphiqlPage(graphiql) : null,
    token: issueToken && createTokenEndpoint({ issueToken, log }),
    // With an upstream the contract is served there.
    rest: config.upstream
      ? null
      : createRestEndpoint({ tasks, authenticate, tables, maxBodyBytes: config.maxBodyBytes, log }),
    ready: () => tasks.ready(),
    metrics,
    maxBodyBytes: config.maxBodyBytes,
    simpleGets: config.simpleGets,
    log,
  });
  return {
    listen: () => server.listen(config.host, config.port),
    async close() {
      await server.close();
      await tasks.close();
    },
  };
}
