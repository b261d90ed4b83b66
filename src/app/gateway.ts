import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Backend } from './backend.ts';
import type { Observers } from './observers.ts';
import type { Config } from './config.ts';
import { createRestEndpoint } from '../rest/account-task-endpoint.ts';
import { createSchema } from '../schema/schema.ts';
import { createAddressLimit, createClientAddresses } from '../http/client-address.ts';
import { createBodyBudget, defaultBodyBudgetBytes } from '../http/body-budget.ts';
import { createRequestBodies } from '../http/request-body.ts';
import { createGraphiqlPage, type GraphiqlOptions } from '../graphql/graphiql.ts';
import { createGraphqlEndpoint } from '../graphql/graphql-endpoint.ts';
import { createCors } from '../http/cors.ts';
import { createMetricsServer } from '../http/metrics-server.ts';
import type { Limit } from '../telemetry/metrics.ts';
import { createRequestObservation } from '../telemetry/request-observation.ts';
import { createGatewayServer } from '../http/server.ts';
import { reportOmittedFailures } from '../graphql/limits/error-limit.ts';
import { createGraphqlHandler } from '../graphql/graphql-handler.ts';
import { createRestHandler } from '../rest/rest-handler.ts';
import { createTokenEndpoint } from '../auth/token-endpoint.ts';
import { createUnreadAnswers } from '../graphql/limits/unread-answers.ts';
import { traceFields } from '../graphql/yoga-plugins.ts';
import { readTrustedDocuments } from '../graphql/trusted-documents.ts';

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

/** The whole gateway as an HTTP server. */
export interface Gateway {
  /** Answers a request that arrived some other way than through `listen`. */
  readonly handle: RequestListener;
  /** Resolves once requests are accepted. */
  listen(): Promise<Addresses>;
  /** Drains, then stops without losing an answer. A later call without `isReplaced` still changes /ready. */
  close(options?: CloseOptions): Promise<void>;
}

const WITHOUT_DRAINING: CloseOptions = { drainMs: 0 };
/** Without requests, the backend only has to write what is in its retry queue. */
const BACKEND_CLOSE_MS = 10_000;

/**
 * Puts HTTP in front of a backend: GraphQL, the REST contract, the token endpoint and the operators' paths. Every handler of
 * `http/server.ts` is passed in here.
 */
export function createHttpGateway(
  config: Config,
  { tasks, authenticate, issueToken, batchConcurrency }: Backend,
  { log, metrics, requestLog = () => undefined, tracing = null }: Observers,
  graphiql: GraphiqlOptions,
): Gateway {
  const tables = { frequencies: config.frequencies, notifications: config.notifications };
  const schema = createSchema(tables);
  if (tracing) traceFields(schema);
  const answers = createUnreadAnswers({ ...config, onRefused: (limit) => metrics.countRefusal(limit) });
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
    fastLane: config.fastLane,
  });
  const onRefused = (limit: Limit): void => metrics.countRefusal(limit);
  const addresses = createClientAddresses(config.trustedProxies);
  const bodies = createRequestBodies({
    budget: createBodyBudget({ maxBytes: config.maxPendingBodyBytes ?? defaultBodyBudgetBytes() }),
    toAddress: addresses.toKey,
  });
  const { maxBodyBytes, maxAnonymousBodyBytes, simpleGets } = config;
  const handleGraphql = createGraphqlHandler({
    graphql,
    bodies,
    authenticate,
    maxBodyBytes,
    maxAnonymousBodyBytes,
    simpleGets,
    cors: createCors({ origins: config.corsOrigins, onRefused: () => metrics.countRefusal('cors_headers') }),
    graphiql: config.graphiql ? createGraphiqlPage(graphiql) : null,
  });
  const server = createGatewayServer({
    graphql: handleGraphql,
    token: issueToken && createTokenEndpoint({ issueToken, bodies, toAddress: addresses.toKey, log, onRefused }),
    // In upstream mode, the service itself serves the contract.
    rest: config.upstream
      ? null
      : createRestHandler({
          rest: createRestEndpoint({ tasks, authenticate, tables, maxBodyBytes, onRefused, log }),
          bodies,
          maxBodyBytes,
          metrics,
        }),
    onEnd(record, response) {
      reportOmittedFailures(record, { log, metrics });
      answers.close(record.answer, response);
    },
    bodies,
    checks: tasks.checks,
    metrics,
    servesMetrics: config.metricsPort === null,
    observation: createRequestObservation({ metrics: metrics.requests, requestLog, tracing }),
    addressLimit:
      config.maxConnectionsPerAddress === null
        ? null
        : createAddressLimit({
            max: config.maxConnectionsPerAddress,
            addresses,
            onRefused,
          }),
    bounds: { keepAliveMs: config.keepAliveMs },
    log,
  });
  const metricsServer = config.metricsPort === null ? null : createMetricsServer(metrics);
  let ending: Promise<void> | null = null;
  const end = async (drainMs: number): Promise<void> => {
    if (drainMs > 0) {
      log.info({ drainMs }, 'draining');
      await delay(drainMs);
    }
    log.info({}, 'closing');
    const cutOff = await server.close(config.closeTimeoutMs);
    const isClosed = await within(BACKEND_CLOSE_MS, tasks.close());
    metricsServer?.close();
    if (cutOff > 0) throw new Error(`${cutOff} requests did not finish within CLOSE_TIMEOUT_MS and were cut off`);
    if (!isClosed) throw new Error(`the backend did not close within ${BACKEND_CLOSE_MS} ms`);
    log.info({}, 'closed');
  };
  return {
    handle: server.handle,
    async listen() {
      const metricsAddress = (await metricsServer?.listen(config.host, config.metricsPort ?? 0)) ?? null;
      try {
        return { address: await server.listen(config.host, config.port), metricsAddress };
      } catch (error) {
        metricsServer?.close();
        throw error;
      }
    },
    close({ drainMs, isReplaced = false } = WITHOUT_DRAINING) {
      if (drainMs > 0) server.drain({ isReplaced });
      ending ??= end(drainMs);
      return ending;
    },
  };
}

/** Resolves with true if the work ends in time. */
async function within(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  try {
    return await Promise.race([work.then(() => true), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
