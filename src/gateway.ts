import type { Config } from './config.ts';
import { checkedTaskService } from './contract/checked-task-service.ts';
import type { EnumTables } from './contract/enums.ts';
import type { TaskService } from './contract/task-service.ts';
import { createSchema } from './schema/schema.ts';
import { type Authenticate, forwardedAuthentication, tokenAuthentication } from './server/auth.ts';
import { createGraphiqlPage, type GraphiqlOptions } from './server/graphiql.ts';
import { createGraphqlEndpoint } from './server/graphql-endpoint.ts';
import type { Log } from './server/log.ts';
import { createGatewayServer } from './server/server.ts';
import { openStore, type Store } from './store/store.ts';
import { createUpstreamClient } from './upstream/client.ts';
import { createUpstreamTaskService } from './upstream/task-service.ts';
import { xmlProblem } from './wire/xml-document.ts';

/** A backend with the credentials it takes. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
}

export interface Gateway {
  /** Resolves with the address once requests are accepted. */
  listen(): Promise<URL>;
  /** Finishes the requests in flight, then lets go of the backend. */
  close(): Promise<void>;
}

/** An answer may escape every byte of Parameters (`&amp;`, `\u0000`) and repeats them once. */
const ANSWER_BYTES_PER_BODY_BYTE = 8;
const MIN_ANSWER_BYTES = 1_048_576;
const CONNECT_RETRIES = 2;

export function storeBackend(store: Store): Backend {
  return {
    tasks: checkedTaskService(store.tasks, { xmlProblem, travelsAsXml: false }),
    authenticate: tokenAuthentication((token) => store.tokens.verify(token)),
  };
}

function upstreamBackend(config: Config, upstream: NonNullable<Config['upstream']>): Backend {
  const client = createUpstreamClient({
    baseUrl: upstream.url,
    timeoutMs: upstream.timeoutMs,
    connections: upstream.connections,
    maxInFlight: upstream.maxInFlight,
    maxAnswerBytes: Math.max(MIN_ANSWER_BYTES, ANSWER_BYTES_PER_BODY_BYTE * config.maxBodyBytes),
    connectRetries: CONNECT_RETRIES,
  });
  const tasks = createUpstreamTaskService({ client, format: upstream.format, tables: toTables(config) });
  return {
    tasks: checkedTaskService(tasks, { xmlProblem, travelsAsXml: upstream.format === 'xml' }),
    authenticate: forwardedAuthentication(),
  };
}

/** The backend that the configuration asks for. */
export async function openBackend(config: Config): Promise<Backend> {
  if (config.upstream) return upstreamBackend(config, config.upstream);
  return storeBackend(await openStore({ databaseUrl: config.databaseUrl }));
}

/** Puts GraphQL and HTTP in front of a backend. */
export function createGateway(
  config: Config,
  { tasks, authenticate }: Backend,
  log: Log,
  graphiql: GraphiqlOptions,
): Gateway {
  const graphql = createGraphqlEndpoint({
    schema: createSchema(toTables(config)),
    tasks,
    authenticate,
    log,
    introspection: config.introspection,
    corsOrigins: config.corsOrigins,
  });
  const server = createGatewayServer({
    graphql,
    graphiql: config.graphiql ? createGraphiqlPage(graphiql) : null,
    ready: () => tasks.ready(),
    maxBodyBytes: config.maxBodyBytes,
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

function toTables({ frequencies, notifications }: Config): EnumTables {
  return { frequencies, notifications };
}
