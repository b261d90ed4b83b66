/** The adapter for the Fetch API: a Request as request data, and the answer data as a Response. */
import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './answer.ts';
import type { ArrivingBody, BodyReader } from './request-body.ts';
import type { Exchange, RequestHandler } from './request-handler.ts';

/** Facts about a request that a Request does not contain. */
export interface FetchFacts {
  /** The peer of the connection, by which limits count unless a trusted proxy names another. All callers count as one if absent. */
  readonly remoteAddress?: string;
}

/** Answers a Request of the Fetch API; rejects only if the caller has left. */
export type FetchHandler = (request: Request, facts?: FetchFacts) => Promise<Response>;

export interface FetchHandlerOptions {
  readonly handle: RequestHandler;
  readonly readBody: BodyReader;
}

/** Creates a fetch handler over the handler of all requests, so that it enforces the same limits as the gateway's own server. */
export function createFetchHandler({ handle, readBody }: FetchHandlerOptions): FetchHandler {
  return async (request, facts) => {
    const remoteAddress = typeof facts?.remoteAddress === 'string' ? facts.remoteAddress : '';
    const exchange = new FetchExchange(request, remoteAddress, readBody);
    const leave = (): void => exchange.leave();
    if (request.signal.aborted) leave();
    else request.signal.addEventListener('abort', leave, { once: true });
    handle(exchange);
    try {
      return await exchange.answer;
    } finally {
      request.signal.removeEventListener('abort', leave);
      void exchange.dropRest();
    }
  };
}

const MAX_DROPPED_BYTES = 1_048_576;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

class FetchExchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly httpVersionMinor = 1;
  readonly remoteAddress: string;
  /** A Response is handed over whole; how it is read is the runtime's business. */
  readonly unreadBytes = 0;
  isComplete: boolean;
  hasLeft = false;
  arriving: ArrivingBody | null = null;
  readonly answer: Promise<Response>;
  readonly #readBody: BodyReader;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: Error) => void;
  #isPaused = false;

  constructor(request: Request, remoteAddress: string, readBody: BodyReader) {
    const { pathname, search, host } = new URL(request.url);
    const isOfUnknownLength = request.body !== null && !request.headers.has('content-length');
    const headers: Readonly<Record<string, string>> = {
      host,
      ...(isOfUnknownLength && { 'transfer-encoding': 'chunked' }),
      // Fetch has joined those of one name already.
      ...Object.fromEntries(request.headers),
    };
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.method = request.method;
    this.url = pathname + search;
    this.headers = headers;
    this.rawHeaders = Object.entries(headers).flat();
    this.remoteAddress = remoteAddress;
    this.isComplete = request.body === null;
    this.answer = promise;
    this.#readBody = readBody;
    this.#reader = request.body?.getReader() ?? null;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get isAborted(): boolean {
    return this.hasLeft;
  }

  onceClosed(): void {}

  cutOff(): void {}

  readBody(maxBytes: number): Promise<Buffer | null> {
    return this.#readBody(this, maxBytes);
  }

  startBody(body: ArrivingBody): void {
    this.arriving = body;
    void this.#read(body);
  }

  pauseBody(): void {
    this.#isPaused = true;
  }

  async #read(body: ArrivingBody): Promise<void> {
    try {
      while (!this.#isPaused) {
        const piece = await this.#reader?.read();
        if (this.hasLeft) return;
        if (!piece || piece.done) {
          this.isComplete = true;
          return body.end();
        }
        const { buffer, byteOffset, length } = piece.value;
        body.add(Buffer.from(buffer, byteOffset, length));
      }
    } catch (error) {
      body.fail(error as Error);
    }
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: Answer['body']): void {
    // The connection is the runtime's.
    const { Connection: _, ...others } = headers;
    const isBare = WITHOUT_BODY.has(status) || this.method === 'HEAD';
    this.#resolve(new Response(isBare ? null : (body as BodyInit), { status, headers: others }));
  }

  leave(): void {
    const error = new Error('The caller left.');
    this.hasLeft = true;
    this.arriving?.fail(error);
    this.#reject(error);
  }

  /**
   * Reads and drops what is left of a body that is not wanted: to cancel it at once would reset the connection of many a
   * runtime before the caller has read the answer. A body that goes on and on is cancelled.
   */
  async dropRest(): Promise<void> {
    const reader = this.#reader;
    if (!reader || this.isComplete) return;
    try {
      for (let bytes = 0; bytes <= MAX_DROPPED_BYTES && !this.hasLeft; ) {
        const { done, value } = await reader.read();
        if (done) return;
        bytes += value.length;
      }
      await reader.cancel();
    } catch {
      // The body broke off.
    }
  }
}
