// Bun puts an unfinished shim in the place of "undici", but not of the file.
import { buildConnector, Pool } from 'undici/index.js';
import type { BeginStep } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';
import { createCallsInFlight } from './calls-in-flight.ts';
import { createConnectionSlots } from './connection-slots.ts';
import { clearDeadline, type Deadline, startDeadline, waitWithin } from './deadline.ts';
import { exchange, type UpstreamAnswer } from './exchange.ts';
import { overloaded, unreachable, unwritable } from './transport-failure.ts';
import type { ExchangeTimes, UpstreamLoad, UpstreamObserver } from './upstream-observer.ts';

export interface UpstreamClientOptions {
  /** The service's base address; a path in it prefixes every request's. */
  readonly baseUrl: URL;
  /** For the whole call: waiting for a connection, connecting, retrying, sending and reading the answer. */
  readonly timeoutMs: number;
  readonly connections: number;
  /** Calls beyond it are refused at once, whatever they wait for. */
  readonly maxInFlight: number;
  readonly maxAnswerBytes: number;
  /** How often a connection that could not be made is tried again within one call. */
  readonly connectRetries: number;
  readonly observer?: UpstreamObserver;
}

export interface UpstreamRequest {
  /** Relative to the base address, without a slash in front. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Told of every exchange that the request takes. */
  readonly beginStep?: BeginStep | undefined;
}

/** HTTP to the service: every POST arrives there at most once. */
export interface UpstreamClient {
  /** One call in flight. @throws TaskFailure for everything but an answer, whatever its status. */
  post(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** All of the work is one call in flight. @throws TaskFailure OVERLOADED, at once, when there are too many. */
  admit<T>(work: () => Promise<T>): Promise<T>;
  /** A post that is no call in flight of its own: within an admitted call, or for what admitted calls wait for. */
  postAdmitted(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Opens a connection and closes it again; throws a TaskFailure that says why it cannot. */
  ready(): Promise<void>;
  load(): UpstreamLoad;
  /** Finishes the calls under way, then closes every connection. */
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 25;
/** A connection that takes longer than this is none to rely on. */
const READY_TIMEOUT_MS = 2_000;
const NONE_FREE = 'No connection to the service became free in time.';
const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { baseUrl, timeoutMs, connections, maxInFlight, maxAnswerBytes, connectRetries, observer } = options;
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false });
  const pool = new Pool(baseUrl.origin, { connect, connections, allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
  const readyTimeoutMs = Math.min(timeoutMs, READY_TIMEOUT_MS);
  const connectToTry = buildConnector({ timeout: readyTimeoutMs, allowH2: false });
  const pathPrefix = baseUrl.pathname.replace(/\/*$/, '/');
  const slots = createConnectionSlots(connections);
  const onLetGo = (): void => slots.give();
  const calls = createCallsInFlight(maxInFlight, () => observer?.onRefused('in_flight'));
  let closing: Promise<void> | null = null;

  const refused = (): TaskFailure => {
    observer?.onRefused('connections');
    return overloaded(NONE_FREE);
  };

  const send = async (
    { path, headers, body, beginStep }: UpstreamRequest,
    deadline: Deadline,
  ): Promise<UpstreamAnswer> => {
    const target = pathPrefix + path;
    for (let retries = 0; ; retries += 1) {
      const times = observer ? startTimes() : null;
      const slot = slots.take(deadline);
      if (slot !== true && !(await slot)) throw refused();
      if (times) times.dispatchedMs = performance.now();
      const step = beginStep?.({ kind: 'exchange', url: baseUrl.origin + target, resends: retries });
      const sent = step?.headers ? { ...headers, ...step.headers } : headers;
      const request = { path: target, method: 'POST', headers: sent, body };
      try {
        const answer = await exchange({ dispatcher: pool, request, maxAnswerBytes, deadline, times, onLetGo });
        if (times) observer?.onExchange(times);
        step?.end({ status: answer.status });
        return answer;
      } catch (error) {
        if (times) observer?.onExchange(times);
        step?.end({ error });
        if (!isUnreachable(error)) throw error;
        if (slot !== true && deadline.isOver) throw refused();
        if (retries === connectRetries) throw error;
        if (!(await waitWithin(deadline, retryDelayMs(retries)))) throw error;
      }
    }
  };

  const post = async (request: UpstreamRequest): Promise<UpstreamAnswer> => {
    // A request that undici's pool refuses takes a connection out of it for good: none may get that far.
    for (const [name, value] of Object.entries(request.headers)) {
      if (NOT_IN_A_HEADER.test(value)) throw unwritable(name);
    }
    calls.enter();
    const deadline = startDeadline(timeoutMs);
    const startedMs = observer ? performance.now() : 0;
    try {
      const answer = await send(request, deadline);
      observer?.onCall(request.path, answer.status, performance.now() - startedMs);
      return answer;
    } catch (error) {
      if (error instanceof TaskFailure) observer?.onCall(request.path, error.code, performance.now() - startedMs);
      throw error;
    } finally {
      clearDeadline(deadline);
      calls.leave();
    }
  };

  return {
    post: (request) => calls.admit(() => post(request)),
    admit: (work) => calls.admit(work),
    postAdmitted: post,
    ready: () =>
      new Promise((resolve, reject) => {
        const refuse = (cause: unknown): void => reject(unreachable(cause, ''));
        const timer = setTimeout(refuse, readyTimeoutMs, null);
        const { protocol, host, port } = baseUrl;
        const hostname = baseUrl.hostname.replace(/^\[|\]$/g, '');
        connectToTry({ protocol, host, hostname, port }, (error, socket) => {
          clearTimeout(timer);
          if (error) return refuse(error);
          socket.destroy();
          resolve();
        });
      }),
    load: () => ({ inFlight: calls.admitted(), waiting: slots.waiting() }),
    close() {
      closing ??= calls.end().then(() => pool.destroy());
      return closing;
    },
  };
}

function startTimes(): ExchangeTimes {
  return { queuedMs: performance.now(), dispatchedMs: 0, sentMs: 0, answeredMs: 0, endedMs: 0 };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UPSTREAM_UNREACHABLE';
}

/** Doubles with every retry, give or take a half, so that many callers do not come back at one moment. */
function retryDelayMs(retries: number): number {
  return FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
}
