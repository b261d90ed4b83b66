import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type DroppedBodies, isLargeRest } from './dropped-bodies.ts';

/**
 * The open connections of a server that is to close. Node by itself waits for ever for one that never carries a request, and
 * cuts off an answer that is written but that its caller has yet to read.
 */
export interface Connections {
  /**
   * Calls back when those who are connected have been accepted: a turn of the event loop accepts one, and when a server closes
   * the system cuts off whom nobody has accepted, a create that was sent included. While more and more come, after a second.
   */
  onceAllAccepted(work: () => void): void;
  /**
   * Ends those on which nothing is under way; each of the others ends with the answer it is waiting for. One that was made
   * only now carries a request in a moment, which would be lost, and cannot be sent again if it is a create.
   */
  endUnused(): void;
  /** Ends all of them; gives how many were waiting for the answer to a request that had arrived in full. */
  endAll(): number;
  /** A connection has another request, to which this is the answer; returns the answer before it, null for the first. */
  onRequest(socket: Socket, answer: ServerResponse): ServerResponse | null;
  /** Ends the connection behind an answer if a large part of its request has not arrived. */
  endUnread(answer: ServerResponse): void;
  /** The answer to the latest request on a connection; none before its first. */
  latestAnswer(socket: Socket): ServerResponse | null;
}

/** How long a server that closes waits for connections to be accepted, and for the first request of each after it was made. */
const NEW_MS = 1_000;
/** Connections that wait to be accepted. When Node's 511 are taken, the system drops new ones; their callers try again after seconds. */
const BACKLOG = 4_096;

/** True where the connection ends with this answer: nothing behind it could be answered. */
export function endsConnection(answer: ServerResponse): boolean {
  return !answer.shouldKeepAlive || answer.getHeader('Connection') === 'close';
}

export function trackConnections(server: Server, dropped: DroppedBodies): Connections {
  /** The latest answer on each; null before the first request. */
  const answers = new Map<Socket, ServerResponse | null>();
  const madeMs = new WeakMap<Socket, number>();
  let accepted = 0;
  const endWhenOld = (socket: Socket): void => {
    const ageMs = performance.now() - (madeMs.get(socket) ?? 0);
    setTimeout(() => {
      if (answers.get(socket) === null) socket.destroy();
    }, NEW_MS - ageMs);
  };
  /** Closed while its caller still sends, a connection is reset, and the caller may lose the answer. */
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
    madeMs.set(socket, performance.now());
    socket.once('close', () => answers.delete(socket));
  });
  // Closing the server calls it; an answer that is written counts as idle there, sent or not.
  server.closeIdleConnections = () => undefined;
  return {
    onceAllAccepted(work) {
      const untilMs = performance.now() + NEW_MS;
      const look = (before: number): void => {
        if (accepted === before || performance.now() > untilMs) work();
        else lookLater();
      };
      const lookLater = (): void => {
        const before = accepted;
        // The first may run in this turn, behind its look at the network.
        setImmediate(() => setImmediate(look, before));
      };
      lookLater();
    },
    endUnused() {
      for (const [socket, answer] of answers) {
        if (answer === null) endWhenOld(socket);
        else if (answer.writableFinished) socket.destroy();
        else if (!answer.headersSent) answer.setHeader('Connection', 'close');
        else answer.once('finish', () => socket.destroySoon());
      }
    },
    endAll() {
      let cutOff = 0;
      for (const [socket, answer] of answers) {
        // An answer that is written is not lost work: its caller does not read it.
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
      // Nothing behind it is carried out.
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
