import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The open connections of a server that is to close. Node by itself waits for ever for one that never carries a request. */
export interface Connections {
  /** Ends those on which no request has begun; each of the others ends with the answer it is waiting for. */
  endUnused(): void;
  /** Ends those whose request has still not arrived in full: nothing of it ran. */
  endUnfinished(): void;
}

export function trackConnections(server: Server): Connections {
  /** The latest answer on each; null before the first request. */
  const answers = new Map<Socket, ServerResponse | null>();
  server.on('connection', (socket: Socket) => {
    answers.set(socket, null);
    socket.once('close', () => answers.delete(socket));
  });
  server.on('request', ({ socket }, response) => void answers.set(socket, response));
  return {
    endUnused() {
      for (const [socket, answer] of answers) {
        if (answer === null) socket.destroy();
        else if (!answer.headersSent) answer.setHeader('Connection', 'close');
      }
    },
    endUnfinished() {
      for (const [socket, answer] of answers) if (answer && !answer.req.complete) socket.destroy();
    },
  };
}
