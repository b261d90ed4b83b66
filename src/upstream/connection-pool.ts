import type { Connection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { createFairQueue } from './calls-in-flight.ts';

/**
 * The connections to the service, each of them used by one request at a time. A request that gets none waits here; callers take turns. undici's
 * own pool looks through all of its connections with every request; here the latest one that became free is at hand.
 */
export interface ConnectionPool {
  /** A connection of one's own, perhaps still to be made; null when the deadline is over before one is free. */
  acquire(deadline: Deadline, caller: string): Connection | Promise<Connection | null>;
  /** Takes a connection back. It is used again only after the event loop has had the chance to read that it was closed. */
  release(connection: Connection, end: ExchangeEnd): void;
  /** How many requests wait. */
  waiting(): number;
  /** Ends all of them. */
  destroy(): Promise<void>;
}

export function createConnectionPool(max: number, reuse: ConnectionReuse, create: () => Connection): ConnectionPool {
  const all: Connection[] = [];
  const free: Connection[] = [];
  let resting: Connection[] = [];
  const waiting = createFairQueue<(connection: Connection) => void>();

  /** Makes sure that a connection may carry a request: one that must not be used again is closed, and made anew for it. */
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
      // One that rests is free within this turn of the event loop.
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

/** The end of an exchange: `lost` where the connection broke, `abandoned` where the gateway gave up. */
export type ExchangeEnd = 'answered' | 'lost' | 'abandoned';

/**
 * The decision whether a connection that has brought an answer may carry another request. Some services close each connection
 * behind its answer without saying so, and a request that is written to such a connection is of unknown fate. So the first
 * reuse is a trial of one request. When a reused connection is lost before any byte of an answer, none is reused for a minute.
 */
export interface ConnectionReuse {
  /** To be called when a connection that has brought an answer is about to carry a request. */
  allows(connection: Connection): boolean;
  /** True while no connection is kept. */
  isSuspended(): boolean;
  /** To be called with each end, before the connection counts its answer. */
  noteEnd(connection: Connection, end: ExchangeEnd): void;
}

const SUSPENSION_MS = 60_000;

/** `now` is in milliseconds of a clock that is never set back. */
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
        // A trial whose connection ended before the request was written was none.
        isProven = isReused && end === 'answered';
        trial = null;
      }
    },
  };
}
