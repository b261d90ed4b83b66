import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, JSON_HEADERS, sendError } from './answer.ts';
import type { ServerConnections } from './connections.ts';
import { toRequestId } from '../telemetry/request-record.ts';
import { CLOSING, RequestRefusal } from './request-refusal.ts';

/** How much of the server one caller may hold, and for how long. */
export interface HttpBounds {
  /** For the headers of a request to arrive. */
  readonly headersMs: number;
  /** For a whole request to arrive. */
  readonly requestMs: number;
  /** How often it is looked whether the two are over. */
  readonly checkMs: number;
  /** For a caller that takes nothing of its answer. */
  readonly answerMs: number;
  /** For the next request on a connection. */
  readonly keepAliveMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  /** Requests of one connection that are handled at the same time. */
  readonly maxPipelined: number;
  /** Requests of all connections that wait behind those. */
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

/** The bounds that node:http keeps by itself. */
export function toServerOptions(bounds: HttpBounds): ServerOptions {
  const { headersMs, requestMs, checkMs, keepAliveMs, maxHeaderBytes } = bounds;
  return {
    // Node takes 0 for no limit.
    keepAliveTimeout: Math.max(keepAliveMs, 1),
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    maxHeaderSize: maxHeaderBytes,
    // Two framings of one body, or a header with a line break in it, are two requests to someone else.
    insecureHTTPParser: false,
    // Node would refuse without a word.
    requireHostHeader: false,
  };
}

/** A host and perhaps its port, as RFC 9112 has them; it may be empty. */
const HOST = /^(?:[\w.~!$&'()*+;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i;

/** Why a request that can be read is answered nevertheless by an error of HTTP; null for most. */
export function findHeaderProblem(
  { rawHeaders, headers, httpVersionMinor }: IncomingMessage,
  { maxHeaders }: HttpBounds,
): RequestRefusal | null {
  // Node drops what is more than it wants to know, which may be the header that matters.
  if (rawHeaders.length > 2 * maxHeaders) return unacceptable(431, `The request has more than ${maxHeaders} headers.`);
  const { host, 'transfer-encoding': transferEncoding, 'content-encoding': contentEncoding } = headers;
  if (host === undefined && httpVersionMinor > 0) return unacceptable(400, 'The request has no Host.');
  if (host !== undefined && !HOST.test(host)) return unacceptable(400, 'The Host of the request is not a host.');
  if (hasTwoHosts(rawHeaders)) return unacceptable(400, 'The request has more than one Host.');
  if (transferEncoding !== undefined && (transferEncoding.toLowerCase() !== 'chunked' || httpVersionMinor === 0))
    return unacceptable(400, 'The Transfer-Encoding of the request is not chunked, the only one that is read.');
  if (contentEncoding !== undefined && !/^(?:identity)?$/i.test(contentEncoding))
    return unacceptable(415, 'The Content-Encoding of the request is not identity, the only one that is read.', {
      'Accept-Encoding': 'identity',
    });
  return null;
}

/** Node keeps the first, and what stands in front of the gateway may have gone by another. */
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

/** Ends the connection of a caller that does not take its answer; most have all of it by now. */
export function boundAnswer(response: ServerResponse, bounds: HttpBounds): void {
  const { socket } = response;
  if (socket && socket.writableLength > 0) socket.setTimeout(bounds.answerMs);
  // Where an answer in front of it is still to be written it gets its socket later, and is written to it after the event.
  else if (!socket && response.writableEnded && !response.writableFinished && !response.destroyed)
    response.once('socket', () => queueMicrotask(() => boundAnswer(response, bounds)));
}

const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not HTTP that can be read.',
  408: 'The request took too long to arrive.',
  413: 'The request is too large.',
  431: "The request's headers are too large.",
};

/** Answers requests that cannot be read in the words of all others; Node would close, or answer without any. */
export function answerUnreadable(
  server: Server,
  { maxConnections }: HttpBounds,
  { latestAnswer }: Pick<ServerConnections, 'latestAnswer'>,
): void {
  server.maxConnections = maxConnections;
  server.on('checkExpectation', (request, response) => {
    sendError(response, 417, 'The expectation of the request cannot be met.', {
      code: 'BAD_REQUEST',
      requestId: toRequestId(request.headers['x-request-id']?.toString()),
    });
  });
  // There is no tunnel to anywhere, and without a listener Node closes.
  server.on('connect', (_, socket) => socket.end(toRawAnswer(400, 'The request is for a proxy.')));
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const latest = latestAnswer(socket);
    // What would be read as the answer to an earlier request, which may run, must not be sent.
    // Nor a second answer to a request that was refused before all of it had arrived.
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
