import type { Connection } from './connection.ts';
import type { ConnectionReuse, ExchangeEnd } from './connection-reuse.ts';
import type { Deadline } from './deadline.ts';
import { createFairQueue } from './fair-queue.ts';

/**
 * The connections to the service, each of them used by one request at a time. A request that gets none waits here; callers take turns. undici's
 * own pool looks through all of its connections with every request; here the latest one that became free is at hand.
 */
export interface Connections {
  /** A connection of one's own, perhaps still to be made; null when the deadline is over before one is free. */
  take(deadline: Deadline, caller: string): Connection | Promise<Connection | null>;
  /** Takes a connection back. It is used again only after the event loop has had the chance to read that it was closed. */
  give(connection: Connection, end: ExchangeEnd): void;
  /** How many requests wait. */
  waiting(): number;
  /** Ends all of them. */
  destroy(): Promise<void>;
}

export function createConnections(max: number, reuse: ConnectionReuse, create: () => Connection): Connections {
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
    take(deadline, caller) {
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
          onOver() {
            waiting.remove(caller, receive);
            resolve(null);
          },
        };
      });
    },
    give(connection, end) {
      reuse.learn(connection, end);
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
