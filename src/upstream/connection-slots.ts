import type { Deadline } from './deadline.ts';

/** As many slots as there are connections; whoever holds none waits here, in order, and not in the pool's own queue. */
export interface ConnectionSlots {
  /** True with a slot; false when the deadline is over before one is free. */
  take(deadline: Deadline): true | Promise<boolean>;
  give(): void;
  /** How many wait. */
  waiting(): number;
}

export function createConnectionSlots(connections: number): ConnectionSlots {
  let free = connections;
  const waiting = new Set<() => void>();
  return {
    take(deadline) {
      if (free > 0) {
        free -= 1;
        return true;
      }
      return new Promise((resolve) => {
        const receive = (): void => {
          deadline.phase = null;
          resolve(true);
        };
        waiting.add(receive);
        deadline.phase = {
          onOver() {
            waiting.delete(receive);
            resolve(false);
          },
        };
      });
    },
    give() {
      const [receive] = waiting;
      if (!receive) {
        free += 1;
        return;
      }
      waiting.delete(receive);
      receive();
    },
    waiting: () => waiting.size,
  };
}
