import { setTimeout as delay } from 'node:timers/promises';
import type { Observers } from './observers.ts';
import type { Config } from './config.ts';
import { exclusiveTurn } from '../event-loop/turn-batch.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import { createRestEndpoint } from '../rest/account-task-endpoint.ts';
import { createOpenApiHandler } from '../rest/openapi.ts';
import { UnreadAnswers } from '../schema/answer-budget.ts';
import { createSchema } from '../schema/schema.ts';
import { createAddressLimit, createClientAddresses } from '../http/client-address.ts';
import { createBodyBudget, defaultBodyBudgetBytes } from '../http/body-budget.ts';
import { createBodyReader } from '../http/request-body.ts';
import { createGraphiqlPage, type GraphiqlOptions } from '../graphql/graphiql.ts';
import { createHomePage, type PageSection } from './home-page.ts';
import { createGraphqlEndpoint, traceFields } from '../graphql/graphql-endpoint.ts';
import { createRequestObservation } from '../telemetry/request-record.ts';
import { errorAnswer, type Handler, jsonAnswer } from '../http/answer.ts';
import { createFetchHandler, type FetchHandler } from '../http/fetch-adapter.ts';
import { createReadiness } from '../http/readiness.ts';
import { createCors, createRequestHandler } from '../http/request-handler.ts';
import { createGatewayServer } from '../http/server.ts';
import { createGraphqlHandler } from '../graphql/graphql-handler.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { createTokenEndpoint, type IssueToken } from '../auth/token-endpoint.ts';
import type { TaskService } from '../contract/task-service.ts';
import { readTrustedDocuments } from '../graphql/trusted-documents.ts';

/** A backend: its tasks, and how it authenticates callers. */
export interface Backend {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** Null if the backend issues no tokens. */
  readonly issueToken: IssueToken | null;
  /** The number of creates of one batch that may run at the same time. */
  readonly batchConcurrency: number;
}

export interface CloseOptions {
  /** The time for which it still serves, while /ready answers that it is draining. */
  readonly drainMs: number;
  /** True if another process takes over this address, so /ready does not change. */
  readonly isReplaced?: boolean;
}

export interface Addresses {
  readonly address: URL;
  /** Null if /metrics is at the same address. */
  readonly metricsAddress: URL | null;
}

/** The pages for people: GraphiQL, and the one at `/`. */
export interface PageOptions extends GraphiqlOptions {
  readonly sections: readonly PageSection[];
}

/** The whole gateway as an HTTP server. */
export interface Gateway {
  /** Answers a request that arrived some other way than through `listen`. */
  readonly fetch: FetchHandler;
  /** Resolves once requests are accepted. */
  listen(): Promise<Addresses>;
  /** Drains, then stops without losing an answer. A later call without `isReplaced` still changes /ready. */
  close(options?: CloseOptions): Promise<void>;
}

const WITHOUT_DRAINING: CloseOptions = { drainMs: 0 };
/** Without requests, the backend only has to write what is in its retry queue. */
const BACKEND_CLOSE_MS = 10_000;

/**
 * Puts HTTP in front of a backend: GraphQL, the REST contract, the token endpoint and the operators' paths, each a handler
 * over data. The same handlers answer on the port and by `fetch`.
 */
export function createHttpGateway(
  config: Config,
  { tasks, authenticate, issueToken, batchConcurrency }: Backend,
  { log, metrics, requestLog = () => undefined, tracing = null }: Observers,
  pages: PageOptions,
): Gateway {
  const schema = createSchema(config);
  if (tracing) traceFields(schema);
  const onRefused = metrics.countRefusal;
  const answers = new UnreadAnswers({ ...config, onRefused, exclusiveTurn });
  const graphql = createGraphqlEndpoint({
    schema,
    tasks,
    authenticate,
    log,
    metrics,
    timeoutMs: config.operationTimeoutMs,
    answers,
    batchConcurrency,
    introspection: config.introspection,
    trusted: config.trustedDocuments === null ? null : readTrustedDocuments(config.trustedDocuments, schema),
  });
  const addresses = createClientAddresses(config.trustedProxies);
  const readBody = createBodyReader({
    budget: createBodyBudget({ maxBytes: config.maxPendingBodyBytes ?? defaultBodyBudgetBytes() }),
    toAddress: addresses.toKey,
  });
  const { maxBodyBytes, maxAnonymousBodyBytes, simpleGets } = config;
  const readiness = createReadiness({ checks: tasks.checks, log });
  const metricsHandler: Handler = async () => {
    const { contentType, text } = await metrics.render();
    return { status: 200, headers: { 'Content-Type': contentType }, body: text };
  };
  const hasMetricsPort = config.metricsPort !== null;
  const common = {
    observation: createRequestObservation({ metrics: metrics.requests, requestLog, tracing }),
    onEnd: answers.close,
    metrics,
    log,
  };
  const addressLimit =
    config.maxConnectionsPerAddress === null
      ? null
      : createAddressLimit({ max: config.maxConnectionsPerAddress, addresses, onRefused });
  const handle = createRequestHandler({
    ...common,
    handlers: {
      graphql: createGraphqlHandler({
        graphql,
        authenticate,
        maxBodyBytes,
        maxAnonymousBodyBytes,
        simpleGets,
        graphiql: config.graphiql ? createGraphiqlPage(pages) : null,
      }),
      ...(issueToken && {
        token: createTokenEndpoint({ issueToken, toAddress: addresses.toKey, log, onRefused }),
      }),
      // In upstream mode, the service itself serves the contract.
      ...(!config.upstream && {
        rest: createRestEndpoint({ tasks, authenticate, tables: config, maxBodyBytes, onRefused, log }),
        openapi: createOpenApiHandler(config),
      }),
      home: createHomePage({ ...pages, isReady: async () => (await readiness.report()).isReady }),
      health: async () => jsonAnswer(200, { status: 'ok' }),
      async ready() {
        const { isReady, checks } = await readiness.report();
        metrics.setReady(isReady);
        return jsonAnswer(isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', checks });
      },
      ...(!hasMetricsPort && { metrics: metricsHandler }),
      other: notFound('There is nothing at this path. GraphQL is at /graphql.'),
    },
    cors: createCors({
      origins: config.corsOrigins,
      onRefused: () => metrics.countRefusal('cors_headers'),
      onForbidden: (origin) => log.info({ origin }, 'a page of this origin was refused: CORS_ORIGINS does not list it'),
    }),
    addressLimit,
  });
  const bounds = { keepAliveMs: config.keepAliveMs };
  const server = createGatewayServer({ handle, readBody, metrics, addressLimit, bounds });
  const metricsServer = hasMetricsPort
    ? createGatewayServer({
        handle: createRequestHandler({
          ...common,
          handlers: { metrics: metricsHandler, other: notFound('This port serves /metrics only.') },
          cors: null,
          addressLimit: null,
        }),
        readBody,
        metrics,
        addressLimit: null,
      })
    : null;
  let ending: Promise<void> | null = null;
  const end = async (drainMs: number): Promise<void> => {
    if (drainMs > 0) {
      log.info({ drainMs }, 'draining');
      await delay(drainMs);
    }
    log.info({}, 'closing');
    const cutOff = await server.close(config.closeTimeoutMs);
    const isClosed = await withTimeLimit(
      tasks.close().then(() => true),
      BACKEND_CLOSE_MS,
      () => false,
    );
    await metricsServer?.close(0);
    if (cutOff > 0) throw new Error(`${cutOff} requests did not finish within CLOSE_TIMEOUT_MS and were cut off`);
    if (!isClosed) throw new Error(`the backend did not close within ${BACKEND_CLOSE_MS} ms`);
    log.info({}, 'closed');
  };
  return {
    fetch: createFetchHandler({ handle, readBody }),
    async listen() {
      const metricsAddress = (await metricsServer?.listen(config.host, config.metricsPort ?? 0)) ?? null;
      try {
        return { address: await server.listen(config.host, config.port), metricsAddress };
      } catch (error) {
        await metricsServer?.close(0);
        throw error;
      }
    },
    close({ drainMs, isReplaced = false } = WITHOUT_DRAINING) {
      if (drainMs > 0) {
        server.drain();
        if (!isReplaced) readiness.drain();
      }
      ending ??= end(drainMs);
      return ending;
    },
  };
}

function notFound(message: string): Handler {
  return async (_, { requestId }) => errorAnswer(404, message, { code: 'BAD_USER_INPUT', requestId });
}
