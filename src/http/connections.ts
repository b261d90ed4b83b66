import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type DroppedBodies, isLargeRest } from './dropped-bodies.ts';

/**
 * The open connections of a server, for closing it without loss. Node alone waits forever for a connection without a request,
 * and cuts off an answer that is written but not yet read by its caller.
 */
export interface ServerConnections {
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
  /** Records the answer to the next request of a connection; returns the previous one, or null for the first. */
  onRequest(socket: Socket, answer: ServerResponse): ServerResponse | null;
  /** Ends the connection behind an answer if a large part of its request has not arrived. */
  endUnread(answer: ServerResponse): void;
  /** Returns the answer to the latest request on a connection; null before its first. */
  latestAnswer(socket: Socket): ServerResponse | null;
}

/** The time a closing server waits for connections to be accepted, and for the first request of a new one. */
const NEW_MS = 1_000;
/** The queue of connections to accept. If Node's default of 511 is exceeded, new ones are dropped and callers retry after seconds. */
const BACKLOG = 4_096;

/** Returns true if the connection ends with this answer, so that later requests on it cannot be answered. */
export function endsConnection(answer: ServerResponse): boolean {
  return !answer.shouldKeepAlive;
}

/** Starts to track the connections of a server. */
export function trackConnections(server: Server, dropped: DroppedBodies): ServerConnections {
  /** The latest answer of each connection; null before its first request. */
  const answers = new Map<Socket, ServerResponse | null>();
  const openedAtMs = new WeakMap<Socket, number>();
  let accepted = 0;
  const endWhenOld = (socket: Socket): void => {
    const ageMs = performance.now() - (openedAtMs.get(socket) ?? 0);
    const waitMs = Math.max(0, NEW_MS - ageMs);
    setTimeout(() => {
      if (answers.get(socket) === null) socket.destroy();
    }, waitMs);
  };
  /** Delays the close while the caller still sends: the connection would be reset, and the caller might lose the answer. */
  const linger = (socket: Socket): void => {
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      const request = answers.get(socket)?.req;
      if (request?.complete !== false) return destroySoon();
      socket.end();
      dropped.drop(socket, request);
    };
  };
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    linger(socket);
    answers.set(socket, null);
    openedAtMs.set(socket, performance.now());
    socket.once('close', () => answers.delete(socket));
  });
  // server.close() calls this, and would end connections whose answer is written but not yet sent.
  server.closeIdleConnections = () => undefined;
  return {
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
      for (const [socket, answer] of answers) {
        if (answer === null) endWhenOld(socket);
        else if (answer.writableFinished) socket.destroy();
        else if (!answer.headersSent) answer.shouldKeepAlive = false;
        else answer.once('finish', () => socket.destroySoon());
      }
    },
    endAll() {
      let cutOff = 0;
      for (const [socket, answer] of answers) {
        // A written answer is not lost work; its caller does not read it.
        if (answer?.req.complete && !answer.writableEnded) cutOff += 1;
        socket.destroy();
      }
      return cutOff;
    },
    onRequest(socket, answer) {
      const previous = answers.get(socket) ?? null;
      answers.set(socket, answer);
      return previous;
    },
    endUnread(answer) {
      const { req } = answer;
      if (!isLargeRest(req) || !answers.has(req.socket)) return;
      // Later requests on this connection are not run.
      answer.shouldKeepAlive = false;
      if (answer.writableFinished) req.socket.destroySoon();
      else answer.once('finish', () => req.socket.destroySoon());
    },
    latestAnswer: (socket) => answers.get(socket) ?? null,
  };
}

/** Resolves with the server's address once connections are accepted. */
export function listen(server: Server, host: string, port: number): Promise<URL> {
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
