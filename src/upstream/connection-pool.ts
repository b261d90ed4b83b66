import type { Deadline } from '../event-loop/time-limit.ts';
import { createFairQueue } from './calls-in-flight.ts';
import type { Connection } from './connection.ts';

/**
 * The connections to the service; each carries one request at a time. Requests that find none free wait here, and callers take
 * turns. undici's own pool scans all of its connections for every request; this one takes the most recently released.
 */
export interface ConnectionPool {
  /** Returns a connection for exclusive use, which may still have to be opened; null if the deadline expires before one is free. */
  acquire(deadline: Deadline, caller: string): Connection | Promise<Connection | null>;
  /** Takes a connection back. It is reused only after the event loop could have noticed that the service closed it. */
  release(connection: Connection, end: ExchangeEnd): void;
  /** The number of waiting requests. */
  waiting(): number;
  /** Closes all connections. */
  destroy(): Promise<void>;
}

export function createConnectionPool(max: number, reuse: ConnectionReuse, create: () => Connection): ConnectionPool {
  const all: Connection[] = [];
  const free: Connection[] = [];
  /** Released connections, until the event loop could have noticed that the service closed them. */
  let resting: Connection[] = [];
  const waiting = createFairQueue<(connection: Connection) => void>();

  /** Closes the socket of a connection that must not be reused; the next request then opens a new socket. */
  const prepare = (connection: Connection): Connection => {
    if (connection.answers > 0 && !reuse.allows(connection)) connection.socket?.destroy();
    return connection;
  };
  const endRest = (): void => {
    const rested = resting;
    resting = [];
    for (const connection of rested) {
      const receive = waiting.next();
      if (receive) receive(prepare(connection));
      else free.push(connection);
    }
  };
  return {
    acquire(deadline, caller) {
      const connection = free.pop();
      if (connection) return prepare(connection);
      // A resting connection becomes free within this event-loop turn, so it is worth waiting for.
      if (all.length < max && resting.length <= waiting.size()) {
        const another = create();
        all.push(another);
        return another;
      }
      return new Promise((resolve) => {
        const receive = (given: Connection): void => {
          deadline.phase = null;
          resolve(given);
        };
        waiting.add(caller, receive);
        deadline.phase = {
          onExpired() {
            waiting.remove(caller, receive);
            resolve(null);
          },
        };
      });
    },
    release(connection, end) {
      reuse.noteEnd(connection, end);
      if (end === 'answered') connection.countAnswer();
      if (resting.length === 0) setImmediate(endRest);
      resting.push(connection);
    },
    waiting: () => waiting.size(),
    async destroy() {
      await Promise.all(all.map((connection) => connection.destroy()));
    },
  };
}

/** The end of an exchange: `lost` if the connection failed, `abandoned` if the gateway gave up. */
export type ExchangeEnd = 'answered' | 'lost' | 'abandoned';

/**
 * Decides whether a connection may carry another request after an answer. Some services close each connection after its answer
 * without announcing it, and the fate of a request that is written to such a connection is UNKNOWN. So the first reuse is a trial
 * with a single request. If a reused connection is lost before the first byte of an answer, reuse is suspended for a minute.
 */
export interface ConnectionReuse {
  /** To be called before a connection that has brought an answer carries another request. */
  allows(connection: Connection): boolean;
  /** True while connections are not reused. */
  isSuspended(): boolean;
  /** To be called for the end of each exchange, before the connection counts its answer. */
  noteEnd(connection: Connection, end: ExchangeEnd): void;
}

const SUSPENSION_MS = 60_000;

/** `now` returns the milliseconds of a monotonic clock. */
export function createConnectionReuse(now: () => number): ConnectionReuse {
  let isProven = false;
  let trial: Connection | null = null;
  let suspendedUntilMs = 0;
  const isSuspended = (): boolean => suspendedUntilMs > 0 && now() < suspendedUntilMs;
  return {
    allows(connection) {
      if (isProven) return true;
      if (trial || isSuspended()) return false;
      trial = connection;
      return true;
    },
    isSuspended,
    noteEnd(connection, end) {
      const isReused = connection.answers > 0;
      if (isReused && end === 'lost' && connection.awaitsFirstByte()) {
        isProven = false;
        suspendedUntilMs = now() + SUSPENSION_MS;
        trial = null;
      } else if (connection === trial) {
        // If the connection ended before the request was written, the request opened a new one and proved nothing.
        isProven = isReused && end === 'answered';
        trial = null;
      }
    },
  };
}
