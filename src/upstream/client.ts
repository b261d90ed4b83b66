import { performance } from 'node:perf_hooks';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import { Deadline } from '../event-loop/time-limit.ts';
import { type CallsInFlight, createCallsInFlight, shuttingDown } from './calls-in-flight.ts';
import { createConnectionPool } from './connection-pool.ts';
import { ServiceExchange, type UpstreamAnswer, type UpstreamObserver, type UpstreamRequest } from './exchange.ts';
import { buildServiceConnector, openConnection, type ServiceAccess } from './service-connector.ts';
import { invalidHeader, overloaded, unreachable } from './transport-failure.ts';

export interface UpstreamClientOptions {
  /** The service's base address; its path prefixes the path of every request. */
  readonly baseUrl: URL;
  readonly access: ServiceAccess;
  /** The limit for a whole call: waiting for a connection, connecting, retrying, sending and reading the answer. */
  readonly timeoutMs: number;
  readonly connections: number;
  /** The most calls in flight, including those that wait for a token or a connection. */
  readonly maxInFlight: number;
  readonly maxAnswerBytes: number;
  /** How often one call retries to connect after a failure. */
  readonly connectRetries: number;
  readonly observer?: UpstreamObserver;
}

/**
 * The HTTP client of the service. No request is carried out twice. Every place that may send one again has a comment that begins
 * with "May send the request again"; search for it.
 */
export interface UpstreamClient {
  /** Runs a call in one of the slots for calls in flight; rejects with OVERLOADED if all are taken (see `CallsInFlight`). */
  admit: CallsInFlight['run'];
  /**
   * Sends a request within an admitted call, or one that admitted calls wait for.
   * @throws TaskFailure if there is no answer; an answer of any status is returned.
   */
  sendAdmitted(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Opens a connection and closes it again; throws a TaskFailure with the reason if that fails. */
  ready(): Promise<void>;
  /** The admitted calls, including those that wait for a token or a connection, and the requests that wait for a connection. */
  load(): { readonly inFlight: number; readonly waiting: number };
  /** Finishes the admitted calls, then closes every connection. */
  close(): Promise<void>;
}

/** The gateway's User-Agent at the service. */
export const USER_AGENT = 'account-task-gateway';

const FIRST_RETRY_MS = 25;
/** A service that takes longer than this to accept a connection is not ready. */
const READY_TIMEOUT_MS = 2_000;
const INVALID_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { baseUrl, access, timeoutMs, connections, maxInFlight, maxAnswerBytes, connectRetries, observer } = options;
  const connectForReadiness = buildServiceConnector(access, Math.min(timeoutMs, READY_TIMEOUT_MS));
  const pool = createConnectionPool(connections, baseUrl.origin, buildServiceConnector(access, timeoutMs));
  const pathPrefix = baseUrl.pathname.replace(/\/*$/, '/');
  const link = { origin: baseUrl.origin, pathPrefix, maxAnswerBytes, pool, observer };
  const calls = createCallsInFlight({
    maxInFlight,
    waitMs: timeoutMs,
    onRefused: (limit) => observer?.onRefused(limit),
  });
  let closing: Promise<void> | null = null;
  let isClosed = false;

  const refused = (): TaskFailure => {
    observer?.onRefused('connections');
    return overloaded('No connection to the service became free in time.');
  };
  const attempt = (request: UpstreamRequest, deadline: Deadline, resends: number): Promise<UpstreamAnswer> => {
    const exchange = new ServiceExchange(link, request, deadline, resends);
    const connection = pool.acquire(deadline, request.caller ?? '');
    if (!(connection instanceof Promise)) return exchange.run(connection, exchange.queuedMs);
    return connection.then(async (own) => {
      if (!own) throw refused();
      try {
        return await exchange.run(own, performance.now());
      } catch (error) {
        throw deadline.isExpired && isUnreachable(error) ? refused() : error;
      }
    });
  };
  /** May send the request again: its connection was never made, so nothing was sent. */
  const retry = async (request: UpstreamRequest, deadline: Deadline, first: unknown): Promise<UpstreamAnswer> => {
    let failure = first;
    for (let resends = 1; isUnreachable(failure) && resends <= connectRetries; resends += 1) {
      if (!(await deadline.wait(retryDelayMs(resends - 1)))) break;
      try {
        return await attempt(request, deadline, resends);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  const send = (request: UpstreamRequest): Promise<UpstreamAnswer> => {
    if (isClosed) return Promise.reject(shuttingDown());
    const invalid = Object.keys(request.headers).find((name) => INVALID_IN_HEADER.test(request.headers[name] ?? ''));
    // undici would throw an error of its own.
    if (invalid !== undefined) return Promise.reject(invalidHeader(invalid));
    const deadline = new Deadline(timeoutMs);
    const startedMs = performance.now();
    const end = (result: number | FailureCode | null): void => {
      deadline.clear();
      if (result !== null) observer?.onCall(request.operation.path, result, performance.now() - startedMs);
    };
    const succeed = (answer: UpstreamAnswer): UpstreamAnswer => {
      end(answer.status);
      return answer;
    };
    const fail = (error: unknown): never => {
      end(error instanceof TaskFailure ? error.code : null);
      throw error;
    };
    return attempt(request, deadline, 0).then(succeed, (error: unknown) =>
      retry(request, deadline, error).then(succeed, fail),
    );
  };

  return {
    admit: (caller, work) => calls.run(caller, work),
    sendAdmitted: send,
    ready: () =>
      openConnection(baseUrl, connectForReadiness).then(
        (socket) => void socket.destroy(),
        (cause: unknown) => Promise.reject(unreachable(cause, '')),
      ),
    load: () => ({ inFlight: calls.size(), waiting: pool.waiting() }),
    close() {
      closing ??= calls.drain().then(() => {
        isClosed = true;
        return pool.destroy();
      });
      return closing;
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UPSTREAM_UNREACHABLE';
}

/** Exponential backoff with 50% jitter, so that many callers do not retry at the same moment. */
function retryDelayMs(retries: number): number {
  return FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
}
