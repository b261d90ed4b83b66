/**
 * The HTTP server of the gateway: one handler per class of paths (see routes.ts), and everything that holds for every request
 * (request ids, header checks, limits, errors, observation). It imports no GraphQL, REST or authentication; app/gateway.ts
 * passes the handlers in. To serve a new path, add a row in routes.ts and a handler in createGatewayServer.
 */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressLimit } from './client-address.ts';
import { endsConnection, trackConnections, listen } from './connections.ts';
import { createDroppedBodies } from './dropped-bodies.ts';
import { withSteps } from '../event-loop/request-steps.ts';
import type { ReadinessChecks } from '../contract/task-service.ts';
import { sendError, sendJson } from './answer.ts';
import {
  answerUnreadable,
  boundAnswer,
  findHeaderProblem,
  HTTP_BOUNDS,
  type HttpBounds,
  toServerOptions,
} from './bounds.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { sendMetrics } from './metrics-server.ts';
import { type Handler, toPathClass } from './routes.ts';
import { createPipelining } from './pipelining.ts';
import { createReadiness } from './readiness.ts';
import { toRequestId, noteFailure, type PathClass, type RequestRecord } from '../telemetry/request-record.ts';
import type { RequestObservation } from '../telemetry/request-observation.ts';
import { RequestRefusal } from './request-refusal.ts';
import type { RequestBodies } from './request-body.ts';

export interface GatewayServerOptions {
  readonly graphql: Handler;
  /** Null if no tokens are issued. */
  readonly token: Handler | null;
  /** Null if the REST contract is not served. */
  readonly rest: Handler | null;
  /** Called at the end of every request, before it is logged. */
  readonly onEnd: (record: RequestRecord, response: ServerResponse) => void;
  readonly bodies: Pick<RequestBodies, 'release'>;
  /** The checks of /ready. */
  readonly checks: ReadinessChecks;
  readonly metrics: Metrics;
  /** False if /metrics has a separate port. */
  readonly servesMetrics: boolean;
  readonly observation: RequestObservation;
  readonly log: Log;
  /** Null if the connections of an address are not limited. */
  readonly addressLimit: AddressLimit | null;
  /** Overrides members of HTTP_BOUNDS. */
  readonly bounds?: Partial<HttpBounds>;
}

export interface GatewayServer {
  /** Answers a request that did not arrive through the server's own port. */
  readonly handle: RequestListener;
  /** Resolves with the address once requests are accepted. */
  listen(host: string, port: number): Promise<URL>;
  /** Closes each connection with its next answer and, unless another process takes over, makes /ready answer 503. */
  drain(options: { readonly isReplaced: boolean }): void;
  /**
   * Accepts no more connections and finishes the requests in flight. After the timeout, cuts off the rest. Resolves with the
   * number of requests that were cut off.
   */
  close(timeoutMs: number): Promise<number>;
}

export function createGatewayServer(options: GatewayServerOptions): GatewayServer {
  const { log, bodies, metrics, observation, onEnd, addressLimit } = options;
  const bounds = { ...HTTP_BOUNDS, ...options.bounds };
  const readiness = createReadiness(options);
  const handlers: Readonly<Record<PathClass, Handler>> = {
    graphql: options.graphql,
    rest: options.rest ?? notFound,
    token: options.token ?? notFound,
    health: async (_, response) => sendJson(response, 200, { status: 'ok' }),
    ready: async (_, response) => {
      const { isReady, checks } = await readiness.report();
      metrics.setReady(isReady);
      sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', checks });
    },
    metrics: options.servesMetrics ? (_, response) => sendMetrics(response, metrics) : notFound,
    other: notFound,
  };
  let isDraining = false;
  const refuse = (refusal: RequestRefusal, response: ServerResponse, record: RequestRecord): void => {
    const { code, limit } = refusal.facts;
    if (limit) metrics.countRefusal(limit);
    noteFailure(record, code, 'NOT_SENT');
    refusal.send(response, record.requestId);
  };
  const handleRequest: RequestListener = (request, response) => {
    const requestId = toRequestId(request.headers['x-request-id']?.toString());
    response.setHeader('X-Request-Id', requestId);
    // Handlers get the same URL with and without a proxy.
    request.url = toOriginForm(request.url ?? '/');
    const pathClass = toPathClass(toPath(request.url));
    const record = observation.begin(request, pathClass, requestId);
    const fail = (error: unknown): void => {
      if (error instanceof RequestRefusal) return refuse(error, response, record);
      if (request.destroyed && !request.complete) return; // The caller left before the request was complete.
      log.error({ requestId, err: error }, 'unexpected error');
      noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
      if (response.headersSent) response.destroy();
      else {
        // A mutation may have run, and gateways in front may repeat requests that are answered with a 5xx status.
        const mayHaveRun = pathClass === 'graphql';
        sendError(response, mayHaveRun ? 200 : 500, 'Unexpected error.', {
          code: 'INTERNAL_SERVER_ERROR',
          requestId,
          ...(mayHaveRun && { outcome: 'UNKNOWN' }),
        });
      }
    };
    const refusal = findHeaderProblem(request, bounds) ?? addressLimit?.begin(request);
    const end = (): void => {
      bodies.release(request);
      if (!request.complete) connections.endUnread(response);
      addressLimit?.end(request);
      boundAnswer(response, bounds);
      onEnd(record, response);
      observation.end(record, response);
    };
    const failAndEnd = (error: unknown): void => {
      fail(error);
      end();
    };
    // Refused at once: the rest of the connection may be malformed, too.
    if (refusal) failAndEnd(refusal);
    else withSteps(record, () => handlers[pathClass](request, response, record)).then(end, failAndEnd);
  };
  const handleInTurn = createPipelining({ bounds, metrics, handle: handleRequest });
  const onRequest: RequestListener = (request, response) => {
    const latest = connections.latestAnswer(request.socket);
    // This request would run but never be answered.
    if (latest && endsConnection(latest)) return;
    if (isDraining) response.setHeader('Connection', 'close');
    handleInTurn(request, response, connections.onRequest(request.socket, response));
  };
  const server = createServer(toServerOptions(bounds), onRequest);
  // The handler that reads the body sends "100 Continue"; a request that is refused before that is answered at once.
  server.on('checkContinue', onRequest);
  // A caller that has ended its side of the connection still waits for its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  const dropped = createDroppedBodies({ onCutOff: () => metrics.countRefusal('dropped_bodies') });
  const connections = trackConnections(server, dropped);
  addressLimit?.guard(server);
  answerUnreadable(server, bounds, connections);
  return {
    handle: handleRequest,
    listen: (host, port) => listen(server, host, port),
    drain({ isReplaced }) {
      isDraining = true;
      if (!isReplaced) readiness.drain();
    },
    close: (timeoutMs) =>
      new Promise((resolve, reject) => {
        isDraining = true;
        let cutOff = 0;
        const timer = setTimeout(() => {
          cutOff = connections.endAll();
        }, timeoutMs);
        connections.onceAllAccepted(() => {
          server.close((error) => {
            clearTimeout(timer);
            if (error) reject(error);
            else resolve(cutOff);
          });
          connections.endUnused();
        });
      }),
  };
}

const notFound: Handler = async (_, response, { requestId }) =>
  sendError(response, 404, 'There is nothing at this path. GraphQL is at /graphql.', {
    code: 'BAD_USER_INPUT',
    requestId,
  });

function toPath(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** Returns the path and query of a request target; a proxy may send a whole address. */
function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target;
  return target.replace(/^https?:\/\/[^/?]*/i, '') || '/';
}
