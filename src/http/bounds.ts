import { type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CLOSING, errorBody, type HttpRequest, JSON_HEADERS, RequestRefusal } from './answer.ts';
import { toRequestId } from '../telemetry/request-record.ts';

/** The limits on the connections and requests of a caller. */
export interface HttpBounds {
  /** The time for the headers of a request to arrive. */
  readonly headersMs: number;
  /** The time for a whole request to arrive. */
  readonly requestMs: number;
  /** The interval at which these two are checked. */
  readonly checkMs: number;
  /** The time after which a caller that reads nothing of its answer is disconnected. */
  readonly answerMs: number;
  /** The time for the next request on a connection to begin. */
  readonly keepAliveMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  /** The requests of one connection that are handled at the same time. */
  readonly maxPipelined: number;
  /** The requests of all connections that wait behind those. */
  readonly maxWaiting: number;
}

export const HTTP_BOUNDS: HttpBounds = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 1_000,
  answerMs: 30_000,
  keepAliveMs: 75_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxConnections: 10_000,
  maxPipelined: 16,
  maxWaiting: 20_000,
};

/** Returns the limits that node:http itself enforces. */
export function toServerOptions(bounds: HttpBounds): ServerOptions {
  const { headersMs, requestMs, checkMs, keepAliveMs, maxHeaderBytes } = bounds;
  return {
    // 0 would mean no limit.
    keepAliveTimeout: Math.max(keepAliveMs, 1),
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    maxHeaderSize: maxHeaderBytes,
    // Ambiguous framing, or a line break in a header, could be read as two requests by a proxy (request smuggling).
    insecureHTTPParser: false,
    // Node would refuse without a body; `findHeaderProblem` refuses with one.
    requireHostHeader: false,
  };
}

const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not valid HTTP.',
  408: 'The request took too long to arrive.',
  413: 'The chunk extensions of the request are too large.',
  431: "The request's headers are too large.",
};

/** Answers unreadable requests with the usual error body; Node would close the connection or answer without a body. */
export function answerUnreadable(
  server: Server,
  { maxConnections }: HttpBounds,
  latestAnswer: (socket: Socket) => ServerResponse | null,
): void {
  server.maxConnections = maxConnections;
  // Without a listener, Node would close the connection.
  server.on('connect', (_, socket) =>
    socket.end(toRawAnswer(400, 'CONNECT is not supported: this server is not a proxy.')),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const latest = latestAnswer(socket);
    // The connection ends with the answer to the request before; what follows is not a request.
    if (error.code === 'HPE_CLOSED_CONNECTION' && latest && !latest.writableFinished) return;
    // This answer must not be mistaken for that of an earlier request, which may have run, nor be a second answer to a
    // request that was refused before all of it had arrived.
    const isAnswered = latest?.writableFinished === true && latest.req.complete;
    const isOwnAnswer =
      !latest || isAnswered || (latest.socket !== null && !latest.headersSent && !latest.req.complete);
    if (!socket.writable || !isOwnAnswer) {
      socket.destroy();
      return;
    }
    const status = STATUSES[error.code ?? ''] ?? 400;
    socket.end(toRawAnswer(status, PROBLEMS[status] ?? ''), () => socket.destroy());
  });
}

function toRawAnswer(status: number, problem: string): string {
  const requestId = toRequestId(null);
  const body = errorBody(problem, { code: 'BAD_REQUEST', requestId });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    ...Object.entries(JSON_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    '',
    body,
  ].join('\r\n');
}

/** A host and optional port according to RFC 9112; it may be empty. */
const HOST = /^(?:[\w.~!$&'()*+;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i;
/** Node's own test for an Expect that it knows. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Returns the refusal of a request whose headers are ambiguous or not supported; null if they are fine. */
export function findHeaderProblem(
  { rawHeaders, headers, httpVersionMinor }: Pick<HttpRequest, 'rawHeaders' | 'headers' | 'httpVersionMinor'>,
  maxHeaders: number,
): RequestRefusal | null {
  // Node drops excess headers, one of which may be important.
  if (rawHeaders.length > 2 * maxHeaders) return unacceptable(431, `The request has more than ${maxHeaders} headers.`);
  const { host, expect, 'transfer-encoding': transferEncoding, 'content-encoding': contentEncoding } = headers;
  if (host === undefined && httpVersionMinor > 0) return unacceptable(400, 'The Host header is missing.');
  if (host !== undefined && !HOST.test(host))
    return unacceptable(400, 'The Host header is malformed: expected a host and an optional port.');
  if (hasTwoHosts(rawHeaders)) return unacceptable(400, 'The Host header is sent more than once.');
  if (transferEncoding !== undefined && (transferEncoding.toLowerCase() !== 'chunked' || httpVersionMinor === 0))
    return unacceptable(400, 'Transfer-Encoding: only chunked is supported, and only in HTTP/1.1.');
  if (expect !== undefined && httpVersionMinor > 0 && !CONTINUE.test(expect))
    return unacceptable(417, 'Expect: only 100-continue is supported.', {});
  if (contentEncoding !== undefined && !/^(?:identity)?$/i.test(contentEncoding))
    return unacceptable(415, 'Content-Encoding: only identity is supported; send the body uncompressed.', {
      'Accept-Encoding': 'identity',
    });
  return null;
}

/** Detects a repeated Host. Node keeps the first one, but a proxy may have routed by another. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

function unacceptable(
  status: number,
  problem: string,
  headers: Readonly<Record<string, string>> = CLOSING,
): RequestRefusal {
  return new RequestRefusal(problem, { status, code: 'BAD_REQUEST', headers });
}
