/** The adapter for the Fetch API: a Request as request data, and the answer data as a Response. */
import { Buffer } from 'node:buffer';
import type { ArrivingBody, BodyReader } from './request-body.ts';
import type { Exchange, RequestHandler } from './request-handler.ts';

/** Facts about a request that a Request does not contain. */
export interface FetchFacts {
  /** The peer of the connection, by which limits count unless a trusted proxy names another. All callers count as one if absent. */
  readonly remoteAddress?: string;
}

/** Answers a Request of the Fetch API; rejects only if the caller has left or the body broke off. */
export type FetchHandler = (request: Request, facts?: FetchFacts) => Promise<Response>;

export interface FetchHandlerOptions {
  readonly handle: RequestHandler;
  readonly readBody: BodyReader;
}

/** Creates a fetch handler over the handler of all requests, so that it enforces the same limits as the gateway's own server. */
export function createFetchHandler({ handle, readBody }: FetchHandlerOptions): FetchHandler {
  return async (request, facts) => {
    const remoteAddress = typeof facts?.remoteAddress === 'string' ? facts.remoteAddress : '';
    const { exchange, answer, leave, dropRest } = openExchange(request, remoteAddress, readBody);
    if (request.signal.aborted) leave();
    else request.signal.addEventListener('abort', leave, { once: true });
    handle(exchange);
    try {
      return await answer;
    } finally {
      request.signal.removeEventListener('abort', leave);
      void dropRest();
    }
  };
}

const MAX_DROPPED_BYTES = 1_048_576;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

function openExchange(request: Request, remoteAddress: string, readBody: BodyReader) {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Response>();
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader() ?? null;
  let isPaused = false;
  const deliver = async (body: ArrivingBody): Promise<void> => {
    try {
      for (;;) {
        const piece = await reader?.read();
        if (isPaused || exchange.hasLeft) return;
        if (!piece || piece.done) {
          exchange.isComplete = true;
          return body.end();
        }
        const { buffer, byteOffset, length } = piece.value;
        body.add(Buffer.from(buffer, byteOffset, length));
      }
    } catch (cause) {
      // A body that is complete or refused is answered all the same.
      if (!exchange.isComplete && !isPaused) abandon(new Error('The body of the request broke off.', { cause }));
    }
  };
  const exchange: Writable<Exchange> = {
    ...toHead(request),
    httpVersionMinor: 1,
    remoteAddress,
    isComplete: reader === null,
    hasLeft: false,
    isAborted: false,
    arriving: null,
    readBody: (maxBytes) => readBody(exchange, maxBytes),
    startBody(body) {
      exchange.arriving = body;
      void deliver(body);
    },
    pauseBody() {
      isPaused = true;
    },
    send(status, headers, body) {
      delete headers['Connection'];
      const isBare = WITHOUT_BODY.has(status) || request.method === 'HEAD';
      resolve(new Response(isBare ? null : (body as BodyInit), { status, headers }));
    },
    // A Response is handed over whole; how it is read, and the connection, are the runtime's business.
    unreadBytes: 0,
    onceClosed: () => undefined,
    cutOff: () => undefined,
  };
  const abandon = (error: Error): void => {
    exchange.hasLeft = exchange.isAborted = true;
    exchange.arriving?.fail(error);
    reject(error);
  };
  const leave = (): void => abandon(new Error('The caller left.'));
  /**
   * Reads and drops what is left of a body that is not wanted: to cancel it at once would reset the connection of many a
   * runtime before the caller has read the answer. A body that goes on and on is cancelled.
   */
  const dropRest = async (): Promise<void> => {
    if (!reader || exchange.isComplete) return;
    try {
      for (let bytes = 0; bytes <= MAX_DROPPED_BYTES && !exchange.hasLeft; ) {
        const { done, value } = await reader.read();
        if (done) return;
        bytes += value.length;
      }
      await reader.cancel();
    } catch {
      // The body broke off.
    }
  };
  return { exchange, answer, leave, dropRest };
}

function toHead(request: Request): Pick<Exchange, 'method' | 'url' | 'headers' | 'rawHeaders'> {
  const { pathname, search, host } = new URL(request.url);
  const isOfUnknownLength = request.body !== null && !request.headers.has('content-length');
  const headers: Readonly<Record<string, string>> = {
    host,
    ...(isOfUnknownLength && { 'transfer-encoding': 'chunked' }),
    // Fetch has joined those of one name already.
    ...Object.fromEntries(request.headers),
  };
  return { method: request.method, url: pathname + search, headers, rawHeaders: Object.entries(headers).flat() };
}
