import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';

export interface CollectedAnswer {
  /** What a handler of node's HTTP server writes its answer to. */
  readonly response: ServerResponse;
  /** The whole answer, once it is written; rejects when it is broken off. */
  readonly answer: Promise<Response>;
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
/** They are about a connection, which is the runtime's. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Collects what a handler answers to the request into a Response of the Fetch API. */
export function createCollectedAnswer(req: IncomingMessage): CollectedAnswer {
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
