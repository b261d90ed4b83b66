import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import type { Operation } from '../contract/operations.ts';
import { currentSteps } from '../event-loop/request-steps.ts';
import { Deadline, setTimeLimit } from '../event-loop/time-limit.ts';
import { type CallsInFlight, createCallsInFlight, shuttingDown } from './calls-in-flight.ts';
import { Connection } from './connection.ts';
import { createConnectionReuse, createConnectionPool } from './connection-pool.ts';
import { exchange, type UpstreamAnswer, type UpstreamObserver } from './exchange.ts';
import { buildServiceConnector, type ServiceAccess } from './service-connector.ts';
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

export type RequestHeaders = Readonly<Record<string, string>>;

export interface UpstreamRequest {
  /** Callers take turns when their requests wait for a connection; absent for the gateway's own requests. */
  readonly caller?: string;
  /** Its path names the request in metrics and traces. */
  readonly operation: Pick<Operation, 'method' | 'path' | 'unknownFate'>;
  /** Relative to the base address, without a leading slash. */
  readonly path: string;
  /** Names and values in turn, equal for every request and therefore not checked again. */
  readonly fixedHeaders?: readonly string[];
  readonly headers: RequestHeaders;
  /** Null for a request without one. */
  readonly body: string | null;
  /** The request must not be sent after this time, in milliseconds of `performance.now()`; absent without such a limit. */
  readonly deadlineMs?: number | undefined;
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
const ANSWER_BASE_BYTES = 1_048_576;
const ANSWER_BYTES_PER_BODY_BYTE = 16;
const INVALID_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { baseUrl, access, timeoutMs, connections, maxInFlight, maxAnswerBytes, connectRetries, observer } = options;
  const connect = buildServiceConnector(access, timeoutMs);
  const readyTimeoutMs = Math.min(timeoutMs, READY_TIMEOUT_MS);
  const connectForReadiness = buildServiceConnector(access, readyTimeoutMs);
  const pathPrefix = baseUrl.pathname.replace(/\/*$/, '/');
  const reuse = createConnectionReuse(() => performance.now());
  const pool = createConnectionPool(connections, reuse, () => new Connection(baseUrl.origin, connect));
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
  const dispatch = (
    connection: Connection,
    { operation, path, fixedHeaders = [], headers, body, deadlineMs }: UpstreamRequest,
    { deadline, resends, queuedMs, dispatchedMs = queuedMs }: Attempt,
  ): Promise<UpstreamAnswer> => {
    const { method, unknownFate } = operation;
    const target = pathPrefix + path;
    const url = baseUrl.origin + target;
    const step = currentSteps()?.begin({ kind: 'exchange', method, route: pathPrefix + operation.path, url, resends });
    const request: Dispatcher.DispatchOptions = {
      path: target,
      method,
      headers: toHeaderList(fixedHeaders, headers, step?.headers),
      body,
      // Asks the service to close, because the side that closes first keeps its port busy for a minute.
      reset: reuse.isSuspended(),
    };
    const limits = { maxAnswerBytes: answerBound(body, maxAnswerBytes), deadline, deadlineMs };
    return exchange(connection, request, { ...limits, unknownFate, queuedMs, dispatchedMs, observer, step, pool });
  };
  const attempt = (request: UpstreamRequest, current: Attempt): Promise<UpstreamAnswer> => {
    const connection = pool.acquire(current.deadline, request.caller ?? '');
    if (!(connection instanceof Promise)) return dispatch(connection, request, current);
    return connection.then(async (own) => {
      if (!own) throw refused();
      try {
        return await dispatch(own, request, { ...current, dispatchedMs: performance.now() });
      } catch (error) {
        throw current.deadline.isExpired && isUnreachable(error) ? refused() : error;
      }
    });
  };
  /** May send the request again: its connection was never made, so nothing was sent. */
  const retry = async (request: UpstreamRequest, deadline: Deadline, first: unknown): Promise<UpstreamAnswer> => {
    let failure = first;
    for (let resends = 1; isUnreachable(failure) && resends <= connectRetries; resends += 1) {
      if (!(await deadline.wait(retryDelayMs(resends - 1)))) break;
      try {
        return await attempt(request, { deadline, resends, queuedMs: performance.now() });
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
    return attempt(request, { deadline, resends: 0, queuedMs: startedMs }).then(succeed, (error: unknown) =>
      isUnreachable(error) ? retry(request, deadline, error).then(succeed, fail) : fail(error),
    );
  };

  return {
    admit: (caller, work) => calls.run(caller, work),
    sendAdmitted: send,
    ready: () =>
      new Promise((resolve, reject) => {
        const refuse = (cause: unknown): void => reject(unreachable(cause, ''));
        const timer = setTimeLimit(() => refuse(null), readyTimeoutMs);
        const { protocol, host, port } = baseUrl;
        const hostname = baseUrl.hostname.replace(/^\[|\]$/g, '');
        connectForReadiness({ protocol, host, hostname, port }, (error, socket) => {
          clearTimeout(timer);
          if (error) return refuse(error);
          socket.destroy();
          resolve();
        });
      }),
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

/** One try to send a request. */
interface Attempt {
  readonly deadline: Deadline;
  /** The number of earlier attempts in this call. */
  readonly resends: number;
  /** The time of the request for a connection, in milliseconds of `performance.now()`. */
  readonly queuedMs: number;
  /** The time when a connection was assigned; the same if it did not wait. */
  readonly dispatchedMs?: number;
}

/** All headers as a flat list of names and values, which costs undici the least; `fixed` is such a list already. */
function toHeaderList(fixed: readonly string[], ...others: readonly (RequestHeaders | null | undefined)[]): string[] {
  const list = [...fixed];
  for (const headers of others) for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

/** The size limit of an answer: it repeats its request, perhaps with every character escaped, and adds little to it. */
function answerBound(body: string | null, maxAnswerBytes: number): number {
  return Math.min(maxAnswerBytes, ANSWER_BASE_BYTES + ANSWER_BYTES_PER_BODY_BYTE * Buffer.byteLength(body ?? ''));
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UPSTREAM_UNREACHABLE';
}

/** Exponential backoff with 50% jitter, so that many callers do not retry at the same moment. */
function retryDelayMs(retries: number): number {
  return FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
}
