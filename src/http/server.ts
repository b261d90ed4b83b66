/** The adapter for node:http: the server, its connections, and requests and answers as Node's streams. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Answer } from './answer.ts';
import { answerUnreadable, HTTP_BOUNDS, type HttpBounds, toServerOptions } from './bounds.ts';
import type { AddressLimit } from './client-address.ts';
import { type ServerConnections, trackConnections } from './connections.ts';
import { createDroppedBodies } from './dropped-bodies.ts';
import { type ArrivingBody, type BodyReader, isLargeRest } from './request-body.ts';
import type { Exchange, RequestHandler } from './request-handler.ts';

export interface GatewayServerOptions {
  readonly handle: RequestHandler;
  readonly readBody: BodyReader;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  /** Null if the connections of an address are not limited. */
  readonly addressLimit: AddressLimit | null;
  /** Overrides members of HTTP_BOUNDS. */
  readonly bounds?: Partial<HttpBounds>;
}

export interface GatewayServer {
  /** Resolves with the address once requests are accepted. */
  listen(host: string, port: number): Promise<URL>;
  /** Closes each connection with its next answer. */
  drain(): void;
  /**
   * Accepts no more connections and finishes the requests in flight. After the timeout, cuts off the rest. Resolves with the
   * number of requests that were cut off.
   */
  close(timeoutMs: number): Promise<number>;
}

export function createGatewayServer({
  handle,
  readBody,
  metrics,
  addressLimit,
  bounds: given,
}: GatewayServerOptions): GatewayServer {
  const bounds = { ...HTTP_BOUNDS, ...given };
  const server = createServer(toServerOptions(bounds));
  // A caller that has ended its side of the connection still waits for its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  const connections = trackConnections(server, {
    bounds,
    metrics,
    dropped: createDroppedBodies({ onCutOff: () => metrics.countRefusal('dropped_bodies') }),
    handle: (request, response, refusal) => handle(new NodeExchange(request, response, settings), refusal),
  });
  const settings: ExchangeSettings = { readBody, connections, bounds };
  addressLimit?.guard(server);
  answerUnreadable(server, bounds, (socket) => connections.latestAnswer(socket));
  return {
    listen: (host, port) => listen(server, host, port),
    drain: () => connections.drain(),
    close: (timeoutMs) =>
      new Promise((resolve, reject) => {
        connections.drain();
        let cutOff = 0;
        const timer = setTimeout(() => {
          cutOff = connections.endAll();
        }, timeoutMs);
        connections.onceAllAccepted(() => {
          server.close((error) => {
            clearTimeout(timer);
            if (error) reject(error);
            else resolve(cutOff);
          });
          connections.endUnused();
        });
      }),
  };
}

interface ExchangeSettings {
  readonly readBody: BodyReader;
  readonly connections: ServerConnections;
  readonly bounds: HttpBounds;
}

/** A class, so that a request costs one object and no closures. */
class NodeExchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly httpVersionMinor: number;
  arriving: ArrivingBody | null = null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #settings: ExchangeSettings;

  constructor(request: IncomingMessage, response: ServerResponse, settings: ExchangeSettings) {
    this.method = request.method ?? 'GET';
    this.url = toOriginForm(request.url ?? '/');
    this.headers = request.headers;
    this.rawHeaders = request.rawHeaders;
    this.httpVersionMinor = request.httpVersionMinor;
    this.#request = request;
    this.#response = response;
    this.#settings = settings;
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  get isComplete(): boolean {
    return this.#request.complete;
  }

  get hasLeft(): boolean {
    return this.#request.destroyed;
  }

  get isAborted(): boolean {
    // A short answer may be sent in full, and its response destroyed, by now.
    return this.#response.destroyed && !this.#response.writableFinished;
  }

  get unreadBytes(): number {
    return this.#response.destroyed ? 0 : this.#response.writableLength;
  }

  onceClosed(work: () => void): void {
    this.#response.once('close', work);
  }

  cutOff(): void {
    this.#response.destroy();
  }

  readBody(maxBytes: number): Promise<Buffer | null> {
    return this.#settings.readBody(this, maxBytes);
  }

  startBody(body: ArrivingBody): void {
    this.arriving = body;
    if (this.headers.expect !== undefined && this.httpVersionMinor > 0) this.#response.writeContinue();
    this.#request.on('data', (chunk: Buffer) => body.add(chunk));
    this.#request.on('end', () => body.end());
    this.#request.on('error', (error) => body.fail(error));
  }

  pauseBody(): void {
    this.#request.pause();
  }

  send(status: number, headers: Record<string, string>, body: Answer['body']): void {
    const response = this.#response;
    const { bounds, connections } = this.#settings;
    if (headers['Connection'] === 'close' || isLargeRest(this.#request)) response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    // An ASCII text has as many bytes as characters, and is cheaper to write as Latin-1.
    response.end(body, headers['Content-Length'] === String(body?.length) ? 'latin1' : 'utf8');
    if (!this.isComplete) connections.endUnread(response);
    boundAnswer(response, bounds);
  }
}

/** Returns the path and query of a request target; a proxy may send a whole address. */
function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target;
  return target.replace(/^https?:\/\/[^/?]*/i, '') || '/';
}

/** The queue of connections to accept. If Node's default of 511 is exceeded, new ones are dropped and callers retry after seconds. */
const BACKLOG = 4_096;

/** Resolves with the server's address once connections are accepted. */
function listen(server: Server, host: string, port: number): Promise<URL> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      const address = server.address();
      const actualPort = typeof address === 'object' && address ? address.port : port;
      resolve(new URL(`http://${host.includes(':') ? `[${host}]` : host}:${actualPort}/`));
    });
  });
}

/** Ends the connection of a caller that does not read its answer. Most answers are already sent by now. */
function boundAnswer(response: ServerResponse, bounds: HttpBounds): void {
  const { socket } = response;
  if (socket && socket.writableLength > 0) socket.setTimeout(bounds.answerMs);
  // Behind an unfinished answer, this one gets its socket later and is written to it after the `socket` event.
  else if (!socket && response.writableEnded && !response.writableFinished && !response.destroyed)
    response.once('socket', () => queueMicrotask(() => boundAnswer(response, bounds)));
}
