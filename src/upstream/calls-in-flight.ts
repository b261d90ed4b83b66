import { overloaded } from './transport-failure.ts';

/** The bound on what is under way at the service, and who waits for its end. */
export interface CallsInFlight {
  /** Runs the work in a place of its own; throws OVERLOADED at once when there is none. */
  admit<T>(work: () => Promise<T>): Promise<T>;
  /** Runs the work beside the bound: a part of an admitted call, or something admitted calls wait for. */
  join<T>(work: () => Promise<T>): Promise<T>;
  /** Admits no more; resolves when nothing is under way. */
  end(): Promise<void>;
  /** How many are admitted. */
  admitted(): number;
}

export function createCallsInFlight(maxInFlight: number, onRefused: () => void): CallsInFlight {
  let admitted = 0;
  let underWay = 0;
  let isEnding = false;
  let onIdle: (() => void) | null = null;

  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
      if (underWay === 0) onIdle?.();
    }
  };
  return {
    async admit(work) {
      if (isEnding) throw shuttingDown();
      if (admitted >= maxInFlight) {
        onRefused();
        throw overloaded('Too many tasks are being created at once.');
      }
      admitted += 1;
      try {
        return await run(work);
      } finally {
        admitted -= 1;
      }
    },
    async join(work) {
      if (isEnding && underWay === 0) throw shuttingDown();
      return run(work);
    },
    async end() {
      isEnding = true;
      if (underWay === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
    admitted: () => admitted,
  };
}

function shuttingDown(): Error {
  return overloaded('The gateway is shutting down.');
}
