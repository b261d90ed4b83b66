import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { type FailureCode, TaskFailure } from '../contract/failure.ts';
import { currentSteps } from '../event-loop/request-steps.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import { createCallsInFlight } from './calls-in-flight.ts';
import { Connection } from './connection.ts';
import { createConnectionReuse, createConnectionPool } from './connection-pool.ts';
import { clearDeadline, type Deadline, startDeadline, waitWithin } from './deadline.ts';
import { exchange, type UpstreamAnswer } from './exchange.ts';
import { findInvalidHeader, type RequestHeaders, toHeaderList } from './request-headers.ts';
import { buildServiceConnector, type ServiceAccess } from './service-connector.ts';
import { overloaded, unreachable } from './transport-failure.ts';
import type { UpstreamLoad, UpstreamObserver } from './upstream-observer.ts';

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

export interface UpstreamRequest {
  /** Callers take turns when their requests wait for a connection; absent for the gateway's own requests. */
  readonly caller?: string;
  /** Relative to the base address, without a leading slash. */
  readonly path: string;
  /** Names and values in turn, equal for every request and therefore not checked again. */
  readonly fixedHeaders?: readonly string[];
  readonly headers: RequestHeaders;
  readonly body: string;
  /** The request must not be sent after this time, in milliseconds of `performance.now()`; absent without such a limit. */
  readonly deadlineMs?: number | undefined;
}

/**
 * The HTTP client of the service. No POST is carried out twice. Every place that may send one again has a comment that begins
 * with "May send the request again"; search for it.
 */
export interface UpstreamClient {
  /** Takes a slot for a call, to be returned with `release`; the result is OVERLOADED if all are taken (see `CallsInFlight`). */
  admit(caller: string): TaskFailure | null | Promise<TaskFailure | null>;
  release(caller: string): void;
  /**
   * Sends a request within an admitted call, or one that admitted calls wait for.
   * @throws TaskFailure if there is no answer; an answer of any status is returned.
   */
  postAdmitted(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Opens a connection and closes it again; throws a TaskFailure with the reason if that fails. */
  ready(): Promise<void>;
  load(): UpstreamLoad;
  /** Finishes the calls in flight, then closes every connection. */
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 25;
/** A service that takes longer than this to accept a connection is not ready. */
const READY_TIMEOUT_MS = 2_000;
const ANSWER_BASE_BYTES = 1_048_576;
const ANSWER_BYTES_PER_BODY_BYTE = 16;
const NO_HEADERS: RequestHeaders = {};
const NO_FREE_CONNECTION = 'No connection to the service became free in time.';

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

  const refused = (): TaskFailure => {
    observer?.onRefused('connections');
    return overloaded(NO_FREE_CONNECTION);
  };

  const dispatch = (
    connection: Connection,
    { path, fixedHeaders, headers, body, deadlineMs }: UpstreamRequest,
    deadline: Deadline,
    resends: number,
    queuedMs: number,
    dispatchedMs: number,
  ): Promise<UpstreamAnswer> => {
    const target = pathPrefix + path;
    const step = currentSteps()?.begin({ kind: 'exchange', url: baseUrl.origin + target, resends });
    return exchange(
      connection,
      {
        path: target,
        method: 'POST',
        headers: toHeaderList(fixedHeaders ?? [], headers, step?.headers ?? NO_HEADERS),
        body,
        // Asks the service to close, because the side that closes first keeps its port busy for a minute.
        reset: reuse.isSuspended(),
      },
      {
        maxAnswerBytes: answerBound(body, maxAnswerBytes),
        deadline,
        deadlineMs,
        queuedMs,
        dispatchedMs,
        observer,
        step,
        pool,
      },
    );
  };
  const attempt = (
    request: UpstreamRequest,
    deadline: Deadline,
    resends: number,
    queuedMs: number,
  ): Promise<UpstreamAnswer> => {
    const connection = pool.acquire(deadline, request.caller ?? '');
    if (!(connection instanceof Promise)) return dispatch(connection, request, deadline, resends, queuedMs, queuedMs);
    return connection.then(async (own) => {
      if (!own) throw refused();
      try {
        return await dispatch(own, request, deadline, resends, queuedMs, performance.now());
      } catch (error) {
        throw deadline.isExpired && isUnreachable(error) ? refused() : error;
      }
    });
  };
  /** May send the request again: its connection was never made, so nothing was sent. */
  const retry = async (request: UpstreamRequest, deadline: Deadline, first: unknown): Promise<UpstreamAnswer> => {
    let failure = first;
    for (let resends = 1; isUnreachable(failure) && resends <= connectRetries; resends += 1) {
      if (!(await waitWithin(deadline, retryDelayMs(resends - 1)))) break;
      try {
        return await attempt(request, deadline, resends, performance.now());
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  const post = (request: UpstreamRequest): Promise<UpstreamAnswer> => {
    const refusal = findInvalidHeader(request.headers) ?? calls.begin();
    if (refusal) return Promise.reject(refusal);
    const deadline = startDeadline(timeoutMs);
    const startedMs = performance.now();
    const end = (result: number | FailureCode | null): void => {
      clearDeadline(deadline);
      calls.finish();
      if (result !== null) observer?.onCall(request.path, result, performance.now() - startedMs);
    };
    const succeed = (answer: UpstreamAnswer): UpstreamAnswer => {
      end(answer.status);
      return answer;
    };
    const fail = (error: unknown): never => {
      end(error instanceof TaskFailure ? error.code : null);
      throw error;
    };
    return attempt(request, deadline, 0, startedMs).then(succeed, (error: unknown) =>
      isUnreachable(error) ? retry(request, deadline, error).then(succeed, fail) : fail(error),
    );
  };

  return {
    admit: (caller) => calls.admit(caller),
    release: (caller) => calls.release(caller),
    postAdmitted: post,
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
    load: () => ({ inFlight: calls.admitted(), waiting: pool.waiting() }),
    close() {
      closing ??= calls.drain().then(() => pool.destroy());
      return closing;
    },
  };
}

/** The size limit of an answer: it repeats its request, perhaps with every character escaped, and adds little to it. */
function answerBound(body: string, maxAnswerBytes: number): number {
  return Math.min(maxAnswerBytes, ANSWER_BASE_BYTES + ANSWER_BYTES_PER_BODY_BYTE * Buffer.byteLength(body));
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UPSTREAM_UNREACHABLE';
}

/** Exponential backoff with 50% jitter, so that many callers do not retry at the same moment. */
function retryDelayMs(retries: number): number {
  return FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
}
