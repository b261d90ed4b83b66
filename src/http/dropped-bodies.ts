import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Connections whose answer was sent before their request had arrived. Closed at once, they would be reset, and the caller may lose the answer. */
export interface DroppedBodies {
  /** Reads and drops what the caller still sends, within the bounds, then closes the connection. Its sending side has ended. */
  drop(socket: Socket, request: IncomingMessage): void;
}

export interface DropBounds {
  /** Connections that are read at the same time. Each may bring 2 MB in a turn of the event loop. */
  readonly maxRead: number;
  /** The bytes that are read of one connection. */
  readonly maxBytes: number;
  /** A caller that has sent nothing for this long has read its answer. */
  readonly quietMs: number;
  /** How long a connection is read while others wait for their turn. */
  readonly turnMs: number;
  /** How long a connection waits for its turn. */
  readonly waitMs: number;
}

export interface DroppedBodiesOptions {
  /** Where they differ from DROP_BOUNDS. */
  readonly bounds?: Partial<DropBounds>;
  /** Called for a connection that is closed while its caller may still be sending. */
  readonly onCutOff: () => void;
}

const DROP_BOUNDS: DropBounds = {
  maxRead: 8,
  maxBytes: 16_777_216,
  quietMs: 2_000,
  turnMs: 250,
  waitMs: 5_000,
};
const CHECK_MS = 100;
/** A body of at most this size is read to its end although it is not wanted, and the connection is kept. */
const MAX_KEPT_BYTES = 65_536;

/** True if the rest of the request's body is not worth reading to keep the connection. */
export function isLargeRest({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return Number(headers['content-length'] ?? (headers['transfer-encoding'] ? Infinity : 0)) > MAX_KEPT_BYTES;
}

interface Reading {
  readonly firstByte: number;
  readonly sinceMs: number;
  bytesRead: number;
  /** When bytes came last. */
  lastMs: number;
}

export function createDroppedBodies({ bounds: given, onCutOff }: DroppedBodiesOptions): DroppedBodies {
  const bounds = { ...DROP_BOUNDS, ...given };
  const reading = new Map<Socket, Reading>();
  /** Since when each waits; the longest first. */
  const waiting = new Map<Socket, number>();
  let checks: NodeJS.Timeout | null = null;

  const read = (socket: Socket): void => {
    const { bytesRead } = socket;
    const nowMs = performance.now();
    reading.set(socket, { firstByte: bytesRead, sinceMs: nowMs, bytesRead, lastMs: nowMs });
    socket.resume();
  };
  const readNext = (): void => {
    for (const [socket] of waiting) {
      if (reading.size >= bounds.maxRead) return;
      waiting.delete(socket);
      read(socket);
    }
  };
  const cutOff = (socket: Socket): void => {
    onCutOff();
    socket.destroy();
  };
  const check = (): void => {
    const nowMs = performance.now();
    for (const [socket, state] of reading) {
      if (socket.bytesRead !== state.bytesRead) {
        state.bytesRead = socket.bytesRead;
        state.lastMs = nowMs;
      }
      if (nowMs - state.lastMs >= bounds.quietMs) socket.destroy();
      else if (state.bytesRead - state.firstByte > bounds.maxBytes) cutOff(socket);
      else if (waiting.size > 0 && nowMs - state.sinceMs >= bounds.turnMs) cutOff(socket);
    }
    for (const [socket, sinceMs] of waiting) {
      if (nowMs - sinceMs < bounds.waitMs) break;
      cutOff(socket);
    }
    if (reading.size > 0 || !checks) return;
    clearInterval(checks);
    checks = null;
  };
  return {
    drop(socket, request) {
      if (reading.has(socket) || waiting.has(socket)) return;
      // Without a reader Node stops reading behind 64 KB.
      request.resume().once('end', () => socket.destroy());
      socket.once('close', () => {
        waiting.delete(socket);
        if (reading.delete(socket)) readNext();
      });
      checks ??= setInterval(check, CHECK_MS).unref();
      if (reading.size < bounds.maxRead) return read(socket);
      waiting.set(socket, performance.now());
      socket.pause();
      // Node reads on by itself, for a request that is dropped.
      socket.on('resume', () => {
        if (waiting.has(socket)) socket.pause();
      });
    },
  };
}
