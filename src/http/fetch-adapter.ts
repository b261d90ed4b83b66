import type {
  IncomingMessage,
  RequestListener,
  OutgoingHttpHeader,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';

/** Facts about a request that a Request does not contain. */
export interface FetchFacts {
  /** The peer of the connection, by which limits count unless a trusted proxy names another. All callers count as one if absent. */
  readonly remoteAddress?: string;
}

/** Answers a Request of the Fetch API; rejects only if the caller has left or the answer breaks off. */
export type FetchHandler = (request: Request, facts?: FetchFacts) => Promise<Response>;

const MAX_DROPPED_BYTES = 1_048_576;

/** Creates a fetch handler from a handler of node's HTTP server, so that both enforce the same limits. */
export function createFetchHandler(handle: RequestListener): FetchHandler {
  return (request, facts) => {
    const remoteAddress = typeof facts?.remoteAddress === 'string' ? facts.remoteAddress : '';
    const incoming = createFetchedRequest(request, remoteAddress);
    const { response, answer } = createCollectedAnswer(incoming);
    const leave = (): void => {
      incoming.destroy(new Error('The caller left.'));
      response.destroy(new Error('The caller left.'));
    };
    if (request.signal.aborted) leave();
    else request.signal.addEventListener('abort', leave, { once: true });
    handle(incoming, response);
    return answer.finally(() => {
      request.signal.removeEventListener('abort', leave);
      dropRest(incoming);
    });
  };
}

/**
 * Reads and drops what is left of a body that is not wanted: to cancel it at once would reset the connection of many a runtime
 * before the caller has read the answer. A body that goes on and on is cancelled.
 */
function dropRest(incoming: IncomingMessage): void {
  let bytes = 0;
  incoming.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > MAX_DROPPED_BYTES) incoming.destroy();
  });
  incoming.resume();
}

/** A Request of the Fetch API in the shape that handlers of node's HTTP server read. */
function createFetchedRequest(request: Request, remoteAddress: string): IncomingMessage {
  const { pathname, search, host } = new URL(request.url);
  const isOfUnknownLength = request.body !== null && !request.headers.has('content-length');
  const headers: Readonly<Record<string, string>> = {
    host,
    ...(isOfUnknownLength && { 'transfer-encoding': 'chunked' }),
    // Fetch has joined those of one name already.
    ...Object.fromEntries(request.headers),
  };
  const body = request.body ? Readable.fromWeb(request.body as never) : Readable.from([]);
  const incoming = Object.assign(body, {
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    method: request.method,
    url: pathname + search,
    headers,
    headersDistinct: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    rawHeaders: Object.entries(headers).flat(),
    socket: Object.assign(new EventEmitter(), { remoteAddress }),
    complete: false,
  });
  incoming.once('end', () => (incoming.complete = true));
  // The reader of the body gets the error, too; without this listener it would end the process.
  incoming.on('error', () => undefined);
  return incoming as unknown as IncomingMessage;
}

export interface CollectedAnswer {
  /** The response object that a handler of node's HTTP server writes to. */
  readonly response: ServerResponse;
  /** The whole answer, once it is written; rejects when it is broken off. */
  readonly answer: Promise<Response>;
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
/** They are about a connection, which is the runtime's. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Collects what a handler answers to the request into a Response of the Fetch API. */
function createCollectedAnswer(req: IncomingMessage): CollectedAnswer {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const headers = new Headers();
  const chunks: Uint8Array[] = [];
  const setHeader = (name: string, value: OutgoingHttpHeader): void => {
    headers.delete(name);
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each));
  };
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(new Uint8Array(chunk));
      done();
    },
    final(done) {
      response.headersSent = true;
      for (const name of OF_CONNECTION) headers.delete(name);
      const isBare = WITHOUT_BODY.has(response.statusCode) || req.method === 'HEAD';
      const body = isBare ? null : Buffer.concat(chunks);
      resolve(new Response(body, { status: response.statusCode, headers }));
      done();
    },
  });
  const response = Object.assign(writable, {
    req,
    statusCode: 200,
    headersSent: false,
    writeContinue: () => undefined,
    setHeader(name: string, value: OutgoingHttpHeader) {
      setHeader(name, value);
      return response;
    },
    getHeader: (name: string) => headers.get(name) ?? undefined,
    getHeaders: () => Object.fromEntries(headers),
    hasHeader: (name: string) => headers.has(name),
    removeHeader: (name: string) => headers.delete(name),
    writeHead(statusCode: number, ...rest: readonly (string | OutgoingHttpHeaders)[]) {
      response.statusCode = statusCode;
      response.headersSent = true;
      const given = rest.at(-1);
      if (typeof given !== 'object') return response;
      for (const [name, value] of Object.entries(given)) if (value !== undefined) setHeader(name, value);
      return response;
    },
  });
  writable.on('error', reject);
  writable.on('close', () => reject(new Error('The answer broke off.')));
  return { response: response as unknown as ServerResponse, answer: promise };
}
