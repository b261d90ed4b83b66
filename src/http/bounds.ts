import { type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, JSON_HEADERS } from './answer.ts';
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
    // Node would refuse without a body; request-handler.ts refuses with one.
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
