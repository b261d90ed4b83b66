import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The open connections of a server that is to close. Node by itself waits for ever for one that never carries a request, and
 * cuts off an answer that is written but that its caller has yet to read.
 */
export interface Connections {
  /** Ends those on which nothing is under way; each of the others ends with the answer it is waiting for. */
  endUnused(): void;
  /** Ends all of them; gives how many were waiting for the answer to a request that had arrived in full. */
  endAll(): number;
  /** The answer to the latest request on a connection; none before its first. */
  latestAnswer(socket: Socket): ServerResponse | null;
}

export function trackConnections(server: Server): Connections {
  /** The latest answer on each; null before the first request. */
  const answers = new Map<Socket, ServerResponse | null>();
  server.on('connection', (socket: Socket) => {
    answers.set(socket, null);
    socket.once('close', () => answers.delete(socket));
  });
  server.on('request', ({ socket }, response) => void answers.set(socket, response));
  // Closing the server calls it; an answer that is written counts as idle there, sent or not.
  server.closeIdleConnections = () => undefined;
  return {
    endUnused() {
      for (const [socket, answer] of answers) {
        if (answer === null || answer.writableFinished) socket.destroy();
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
    latestAnswer: (socket) => answers.get(socket) ?? null,
  };
}
