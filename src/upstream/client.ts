import { buildConnector, Pool } from 'undici';
import { TaskFailure } from '../contract/failure.ts';
import { createCallsInFlight } from './calls-in-flight.ts';
import { createConnectionSlots } from './connection-slots.ts';
import { clearDeadline, type Deadline, startDeadline, waitWithin } from './deadline.ts';
import { exchange, type UpstreamAnswer } from './exchange.ts';
import { overloaded, unreachable, unwritable } from './transport-failure.ts';

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
}

export interface UpstreamRequest {
  /** Relative to the base address, without a slash in front. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
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
  /** Finishes the calls under way, then closes every connection. */
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 25;
/** A connection that takes longer than this is none to rely on. */
const READY_TIMEOUT_MS = 2_000;
const NONE_FREE = 'No connection to the service became free in time.';
const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { baseUrl, timeoutMs, connections, maxInFlight, maxAnswerBytes, connectRetries } = options;
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false });
  const pool = new Pool(baseUrl.origin, { connect, connections, allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
  const readyTimeoutMs = Math.min(timeoutMs, READY_TIMEOUT_MS);
  const connectToTry = buildConnector({ timeout: readyTimeoutMs, allowH2: false });
  const pathPrefix = baseUrl.pathname.replace(/\/*$/, '/');
  const slots = createConnectionSlots(connections);
  const onLetGo = (): void => slots.give();
  const calls = createCallsInFlight(maxInFlight);
  let closing: Promise<void> | null = null;

  const send = async ({ path, headers, body }: UpstreamRequest, deadline: Deadline): Promise<UpstreamAnswer> => {
    const request = { path: pathPrefix + path, method: 'POST', headers, body };
    for (let retries = 0; ; retries += 1) {
      const slot = slots.take(deadline);
      if (slot !== true && !(await slot)) throw overloaded(NONE_FREE);
      try {
        return await exchange({ dispatcher: pool, request, maxAnswerBytes, deadline, onLetGo });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        if (slot !== true && deadline.isOver) throw overloaded(NONE_FREE);
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
    const deadline = startDeadline(timeoutMs);
    try {
      return await send(request, deadline);
    } finally {
      clearDeadline(deadline);
    }
  };

  return {
    post: (request) => calls.admit(() => post(request)),
    admit: (work) => calls.admit(work),
    postAdmitted: (request) => calls.join(() => post(request)),
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
    close() {
      closing ??= calls.end().then(() => pool.destroy());
      return closing;
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UPSTREAM_UNREACHABLE';
}

/** Doubles with every retry, give or take a half, so that many callers do not come back at one moment. */
function retryDelayMs(retries: number): number {
  return FIRST_RETRY_MS * 2 ** retries * (0.5 + Math.random());
}
