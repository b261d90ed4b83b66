import { openObservers, type Observers } from './observers.ts';
import { openBackend } from './open-backend.ts';
import { type Environment, readConfig } from './config.ts';
import { createGateway as createHttpGateway } from './gateway.ts';
import { createFetchHandler, type FetchFacts, type FetchHandler } from '../http/fetch-adapter.ts';
import type { Log } from '../telemetry/log.ts';

export { ConfigError } from './config.ts';
export type { Environment, FetchFacts, FetchHandler, Log };

export interface GatewayOptions {
  /** The variables of the README. HOST, PORT and METRICS_PORT mean nothing here; the embedding program listens. */
  readonly env: Environment;
  /** Where the gateway says what happens; unset: JSON lines on standard error, from LOG_LEVEL on. */
  readonly log?: Log;
}

/** A gateway inside a program of one's own. */
export interface EmbeddedGateway {
  /** Answers /graphql, /api/v2/admin/tasks/account, /Token, /health, /ready and /metrics as the gateway's own server does. */
  readonly fetch: FetchHandler;
  /** Resolves when the backend can serve; throws an Error that says why it cannot. */
  ready(): Promise<void>;
  /** Finishes the requests in flight, then lets go of everything; what comes later is answered with 503. */
  close(): Promise<void>;
}

/**
 * The gateway as a fetch handler, for any runtime that speaks Fetch and has Node's builtins.
 * @throws ConfigError naming every variable that is wrong; or an Error with one line that says why the database cannot be used.
 */
export async function createGateway({ env, log: given }: GatewayOptions): Promise<EmbeddedGateway> {
  const config = { ...readConfig(env, 'serve'), metricsPort: null };
  const opened = await openObservers(config);
  const { requestLog: _, ...quiet } = opened;
  const observers: Observers = given ? { ...quiet, log: given } : opened;
  const backend = await openBackend(config, observers);
  const gateway = createHttpGateway(config, backend, observers, { query: '', headers: {}, isLocal: false });
  const answer = createFetchHandler(gateway.handle);
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
      const answering = answer(request, facts);
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
