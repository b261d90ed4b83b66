import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Metrics } from '../telemetry/metrics.ts';
import { CLOSING, RequestRefusal } from './answer.ts';
import type { HttpBounds } from './bounds.ts';
import type { DroppedBodies } from './dropped-bodies.ts';
import { isLargeRest } from './request-body.ts';

/**
 * The open connections of a server, for closing it without loss. Node alone waits forever for a connection without a request,
 * and cuts off an answer that is written but not yet read by its caller.
 */
export interface ServerConnections {
  /** Ends each connection with its next answer. */
  drain(): void;
  /**
   * Calls back once all waiting connections have been accepted, or after a second if more keep coming. The event loop accepts
   * one per turn, and closing the server resets the others, even one that has already sent a create.
   */
  onceAllAccepted(work: () => void): void;
  /**
   * Ends idle connections; the others end with their next answer. A new connection is kept for a moment, because its first
   * request, which may be a create, would be lost.
   */
  endUnused(): void;
  /** Ends all connections; returns how many were waiting for the answer to a complete request. */
  endAll(): number;
  /** Ends the connection behind an answer if a large part of its request has not arrived. */
  endUnread(answer: ServerResponse): void;
  /** Returns the answer to the latest request on a connection; null before its first. */
  latestAnswer(socket: Socket): ServerResponse | null;
}

export interface ConnectionsOptions {
  readonly bounds: Pick<HttpBounds, 'maxPipelined' | 'maxWaiting'>;
  readonly dropped: DroppedBodies;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  /** Answers a request, with the refusal if there is one. */
  readonly handle: (request: IncomingMessage, response: ServerResponse, refusal?: RequestRefusal) => void;
}

interface Connection {
  readonly openedMs: number;
  /** The answer to the latest request; null before the first. */
  latest: ServerResponse | null;
  /** Null until a request comes before the answer to an earlier one. */
  pipeline: Pipeline | null;
}

/** The unanswered requests of a connection, in order. */
interface Pipeline {
  readonly handled: ServerResponse[];
  readonly waiting: [request: IncomingMessage, response: ServerResponse][];
  /** True if a request was refused, after which no other is handled. */
  isRefused: boolean;
}

/** The time a closing server waits for connections to be accepted, and for the first request of a new one. */
const NEW_MS = 1_000;

/**
 * Starts to track the connections of a server, and handles their requests. Node emits all requests in 64 KB at once; those of a
 * connection beyond `maxPipelined` wait here, and it is not read until they are handled.
 */
export function trackConnections(server: Server, options: ConnectionsOptions): ServerConnections {
  const { bounds, dropped, metrics, handle } = options;
  const connections = new Map<Socket, Connection>();
  let accepted = 0;
  let isDraining = false;
  let waitingCount = 0;

  const endWhenOld = (socket: Socket, connection: Connection): void => {
    const waitMs = Math.max(0, NEW_MS - (performance.now() - connection.openedMs));
    setTimeout(() => {
      if (connection.latest === null) socket.destroy();
    }, waitMs);
  };
  /** Delays the close while the caller still sends: the connection would be reset, and the caller might lose the answer. */
  const linger = (socket: Socket, connection: Connection): void => {
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      const request = connection.latest?.req;
      if (request?.complete !== false) return destroySoon();
      socket.end();
      dropped.drop(socket, request);
    };
  };
  const openPipeline = (socket: Socket): Pipeline => {
    const pipeline: Pipeline = { handled: [], waiting: [], isRefused: false };
    // Node resumes the socket itself, after each message and when answers have been sent.
    socket.on('resume', () => pauseWhileFull(socket, pipeline));
    return pipeline;
  };
  const advance = (socket: Socket, pipeline: Pipeline): void => {
    const { handled, waiting } = pipeline;
    if (socket.destroyed) return;
    dropAnswered(handled);
    for (let next = waiting[0]; next && handled.length < bounds.maxPipelined; next = waiting[0]) {
      waiting.shift();
      waitingCount -= 1;
      handled.push(next[1]);
      handle(...next);
      // Later requests would run but never be answered.
      if (!next[1].shouldKeepAlive) return;
    }
    if (waiting.length > 0) advanceLater(socket, pipeline);
    else socket.resume();
  };
  /** Advances in a later turn of the event loop, so that immediate answers do not starve other connections. */
  const advanceLater = (socket: Socket, pipeline: Pipeline): void => {
    pipeline.handled[0]?.once('close', () => setImmediate(advance, socket, pipeline));
  };
  /** Handles a request behind one that is not answered yet, or queues it. */
  const handlePipelined = (pipeline: Pipeline, previous: ServerResponse, response: ServerResponse): void => {
    const { req: request } = response;
    const { handled, waiting } = pipeline;
    dropAnswered(handled);
    if (waiting.length === 0 && handled.at(-1) !== previous) handled.push(previous);
    if (waiting.length === 0 && handled.length < bounds.maxPipelined) {
      handled.push(response);
      return handle(request, response);
    }
    // In the middle of a chunk, Node would resume the socket.
    queueMicrotask(() => pauseWhileFull(request.socket, pipeline));
    if (waitingCount >= bounds.maxWaiting) {
      pipeline.isRefused = true;
      return handle(request, response, tooManyWaiting());
    }
    waitingCount += 1;
    if (waiting.push([request, response]) > 1) return;
    metrics.countRefusal('pipelined_requests');
    advanceLater(request.socket, pipeline);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket);
    const previous = connection?.latest ?? null;
    // This request would run but never be answered.
    if (!connection || previous?.shouldKeepAlive === false || connection.pipeline?.isRefused) return;
    if (isDraining) response.shouldKeepAlive = false;
    connection.latest = response;
    if (previous === null || isAnswered(previous)) return handle(request, response);
    connection.pipeline ??= openPipeline(request.socket);
    handlePipelined(connection.pipeline, previous, response);
  };
  server.on('request', onRequest);
  // The handler that reads the body sends "100 Continue"; a request that is refused before that is answered at once.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('connection', (socket: Socket) => {
    const connection: Connection = { openedMs: performance.now(), latest: null, pipeline: null };
    accepted += 1;
    linger(socket, connection);
    connections.set(socket, connection);
    socket.once('close', () => {
      connections.delete(socket);
      waitingCount -= connection.pipeline?.waiting.splice(0).length ?? 0;
    });
  });
  // server.close() calls this, and would end connections whose answer is written but not yet sent.
  server.closeIdleConnections = () => undefined;
  return {
    drain() {
      isDraining = true;
    },
    onceAllAccepted(work) {
      const deadlineMs = performance.now() + NEW_MS;
      const check = (before: number): void => {
        if (accepted === before || performance.now() > deadlineMs) work();
        else checkLater();
      };
      const checkLater = (): void => {
        const before = accepted;
        // The first setImmediate may run in this turn, before new connections are accepted.
        setImmediate(() => setImmediate(check, before));
      };
      checkLater();
    },
    endUnused() {
      for (const [socket, connection] of connections) {
        const { latest } = connection;
        if (latest === null) endWhenOld(socket, connection);
        else if (latest.writableFinished) socket.destroy();
        else if (!latest.headersSent) latest.shouldKeepAlive = false;
        else latest.once('finish', () => socket.destroySoon());
      }
    },
    endAll() {
      let cutOff = 0;
      for (const [socket, { latest }] of connections) {
        // A written answer is not lost work; its caller does not read it.
        if (latest?.req.complete && !latest.writableEnded) cutOff += 1;
        socket.destroy();
      }
      return cutOff;
    },
    endUnread(answer) {
      const { req } = answer;
      if (!isLargeRest(req) || !connections.has(req.socket)) return;
      // Later requests on this connection are not run.
      answer.shouldKeepAlive = false;
      if (answer.writableFinished) req.socket.destroySoon();
      else answer.once('finish', () => req.socket.destroySoon());
    },
    latestAnswer: (socket) => connections.get(socket)?.latest ?? null,
  };
}

function pauseWhileFull(socket: Socket, { waiting, isRefused }: Pipeline): void {
  if (waiting.length > 0 || isRefused) socket.pause();
}

function dropAnswered(handled: ServerResponse[]): void {
  while (handled[0] && isAnswered(handled[0])) handled.shift();
}

function isAnswered(answer: ServerResponse): boolean {
  return answer.writableFinished || answer.destroyed;
}

function tooManyWaiting(): RequestRefusal {
  return new RequestRefusal('Too many pipelined requests are waiting. Nothing was sent.', {
    status: 503,
    code: 'OVERLOADED',
    retryable: true,
    headers: CLOSING,
    limit: 'waiting_requests',
  });
}
