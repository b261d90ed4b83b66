import { openObservers, type Observers } from './observers.ts';
import { openBackend } from './open-backend.ts';
import { type Environment, readConfig } from './config.ts';
import { createHttpGateway } from './gateway.ts';
import type { FetchFacts, FetchHandler } from '../http/fetch-adapter.ts';
import type { Log } from '../telemetry/log.ts';

export { ConfigError } from './config.ts';
export type { Environment, FetchFacts, FetchHandler, Log };

export interface GatewayOptions {
  /** The documented variables. HOST, PORT and METRICS_PORT have no effect; the embedding program listens. */
  readonly env: Environment;
  /** Receives the gateway's log; by default JSON lines go to standard error, from LOG_LEVEL up. */
  readonly log?: Log;
}

/** A gateway inside another program. */
export interface EmbeddedGateway {
  /** Answers /, /graphql, /api/v2/admin/tasks/account, /Token, /health, /ready and /metrics as the gateway's own server does. */
  readonly fetch: FetchHandler;
  /** Resolves if the backend can serve. @throws Error with the reason if it cannot. */
  ready(): Promise<void>;
  /** Finishes the requests in flight, then releases all resources. Later requests are answered with 503. */
  close(): Promise<void>;
}

/**
 * Creates the gateway as a fetch handler, for any runtime with the Fetch API and Node's built-in modules.
 * @throws ConfigError that lists all invalid variables, or an Error with one line that says why the database cannot be used.
 */
export async function createGateway({ env, log: givenLog }: GatewayOptions): Promise<EmbeddedGateway> {
  const config = { ...readConfig(env, 'serve'), metricsPort: null };
  const opened = await openObservers(config);
  const { requestLog: _, ...quiet } = opened;
  const observers: Observers = givenLog ? { ...quiet, log: givenLog } : opened;
  const backend = await openBackend(config, observers);
  const gateway = createHttpGateway(config, backend, observers, {
    tabs: [],
    headers: {},
    isLocal: false,
    sections: [],
  });
  const inFlight = new Set<Promise<Response>>();
  let closing: Promise<void> | null = null;
  const end = async (): Promise<void> => {
    await Promise.allSettled(inFlight);
    try {
      await backend.tasks.close();
    } finally {
      await opened.close();
    }
  };
  return {
    async fetch(request, facts) {
      if (closing) return closedAnswer();
      const answering = gateway.fetch(request, facts);
      inFlight.add(answering);
      return answering.finally(() => inFlight.delete(answering));
    },
    async ready() {
      await Promise.all(Object.values(backend.tasks.checks).map((check) => check()));
    },
    close() {
      closing ??= end();
      return closing;
    },
  };
}

function closedAnswer(): Response {
  const extensions = { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true };
  return Response.json({ errors: [{ message: 'The gateway is closed.', extensions }] }, { status: 503 });
}
