import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connections whose answer was sent before the request had arrived. Closing one at once would reset it, and the caller might
 * lose the answer. One at a time is read, since each may deliver 2 MB per turn of the event loop.
 */
export interface DroppedBodies {
  /** Reads and drops the rest of the request, within the bounds, then closes the connection, whose sending side has ended. */
  drop(socket: Socket, request: IncomingMessage): void;
}

export interface DropBounds {
  /** The bytes that are read from one connection. */
  readonly maxBytes: number;
  /** A caller that has sent nothing for this long is assumed to have read its answer. */
  readonly quietMs: number;
  /** The time for which a connection is read before the next has its turn. */
  readonly turnMs: number;
  /** The time after which a connection that waits again is closed. */
  readonly waitMs: number;
}

export interface DroppedBodiesOptions {
  /** Overrides members of DROP_BOUNDS. */
  readonly bounds?: Partial<DropBounds>;
  /** Called if a connection is closed while its caller may still be sending. */
  readonly onCutOff: () => void;
}

const DROP_BOUNDS: DropBounds = {
  maxBytes: 16_777_216,
  quietMs: 2_000,
  turnMs: 250,
  waitMs: 5_000,
};
const CHECK_MS = 100;
interface DroppedBody {
  readonly droppedMs: number;
  readonly firstByte: number;
  /** The start of its present turn. */
  sinceMs: number;
  bytesRead: number;
  /** The time of the last bytes. */
  lastMs: number;
}

export function createDroppedBodies({ bounds: given, onCutOff }: DroppedBodiesOptions): DroppedBodies {
  const bounds = { ...DROP_BOUNDS, ...given };
  /** In the order of their turns. */
  const bodies = new Map<Socket, DroppedBody>();
  let reading: Socket | null = null;
  let checks: NodeJS.Timeout | null = null;

  const readNext = (): void => {
    const [next] = bodies;
    reading = next?.[0] ?? null;
    if (next) {
      next[1].sinceMs = next[1].lastMs = performance.now();
      next[0].resume();
    } else if (checks) {
      clearInterval(checks);
      checks = null;
    }
  };
  const cutOff = (socket: Socket): void => {
    onCutOff();
    socket.destroy();
  };
  const check = (): void => {
    const nowMs = performance.now();
    for (const [socket, body] of bodies) {
      if (socket !== reading) {
        if (nowMs - body.droppedMs >= bounds.waitMs) cutOff(socket);
        continue;
      }
      if (socket.bytesRead !== body.bytesRead) {
        body.bytesRead = socket.bytesRead;
        body.lastMs = nowMs;
      }
      if (nowMs - body.lastMs >= bounds.quietMs) socket.destroy();
      else if (body.bytesRead - body.firstByte > bounds.maxBytes) cutOff(socket);
      else if (bodies.size > 1 && nowMs - body.sinceMs >= bounds.turnMs) {
        socket.pause();
        bodies.delete(socket);
        bodies.set(socket, body);
        readNext();
      }
    }
  };
  return {
    drop(socket, request) {
      if (bodies.has(socket)) return;
      // Without a reader, Node stops reading after 64 KB.
      request.resume().once('end', () => socket.destroy());
      socket.once('close', () => {
        bodies.delete(socket);
        if (reading === socket) readNext();
      });
      // Node resumes the socket itself for a dropped request.
      socket.on('resume', () => {
        if (socket !== reading) socket.pause();
      });
      checks ??= setInterval(check, CHECK_MS).unref();
      const { bytesRead } = socket;
      const nowMs = performance.now();
      bodies.set(socket, { droppedMs: nowMs, firstByte: bytesRead, sinceMs: nowMs, bytesRead, lastMs: nowMs });
      if (reading === null) readNext();
      else socket.pause();
    },
  };
}
