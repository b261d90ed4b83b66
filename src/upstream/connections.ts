import type { Client } from 'undici';
import type { Deadline } from './deadline.ts';

/**
 * The connections to the service, each of them used by one request at a time; whoever gets none waits here, in order. undici's
 * own pool looks through all of its connections with every request; here the latest one that became free is at hand.
 */
export interface Connections {
  /** A connection of one's own, perhaps still to be made; null when the deadline is over before one is free. */
  take(deadline: Deadline): Client | Promise<Client | null>;
  give(connection: Client): void;
  /** How many wait. */
  waiting(): number;
  /** Ends all of them. */
  destroy(): Promise<void>;
}

export function createConnections(max: number, create: () => Client): Connections {
  const all: Client[] = [];
  const free: Client[] = [];
  const waiting = new Set<(connection: Client) => void>();
  return {
    take(deadline) {
      const connection = free.pop();
      if (connection) return connection;
      if (all.length < max) {
        const another = create();
        all.push(another);
        return another;
      }
      return new Promise((resolve) => {
        const receive = (given: Client): void => {
          deadline.phase = null;
          resolve(given);
        };
        waiting.add(receive);
        deadline.phase = {
          onOver() {
            waiting.delete(receive);
            resolve(null);
          },
        };
      });
    },
    give(connection) {
      const [receive] = waiting;
      if (!receive) {
        free.push(connection);
        return;
      }
      waiting.delete(receive);
      receive(connection);
    },
    waiting: () => waiting.size,
    async destroy() {
      await Promise.all(all.map((connection) => connection.destroy()));
    },
  };
}
