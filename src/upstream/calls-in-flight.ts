import { overloaded } from './transport-failure.ts';

/** The bound on what is under way at the service, and who waits for its end. */
export interface CallsInFlight {
  /** Runs the work in a place of its own; throws OVERLOADED at once when there is none. */
  admit<T>(work: () => Promise<T>): Promise<T>;
  /** Something is under way beside the bound, a part of an admitted call or what they wait for; throws OVERLOADED after the end. */
  enter(): void;
  /** What entered is over. */
  leave(): void;
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

  const leave = (): void => {
    underWay -= 1;
    if (underWay === 0) onIdle?.();
  };
  const leaveAdmitted = (): void => {
    admitted -= 1;
    leave();
  };
  return {
    admit(work) {
      if (isEnding) return Promise.reject(shuttingDown());
      if (admitted >= maxInFlight) {
        onRefused();
        return Promise.reject(overloaded('Too many tasks are being created at once.'));
      }
      admitted += 1;
      underWay += 1;
      return after(work(), leaveAdmitted);
    },
    enter() {
      if (isEnding && underWay === 0) throw shuttingDown();
      underWay += 1;
    },
    leave,
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

/** `finally`, at a lower cost. */
function after<T>(work: Promise<T>, leave: () => void): Promise<T> {
  return work.then(
    (result) => {
      leave();
      return result;
    },
    (error: unknown) => {
      leave();
      throw error;
    },
  );
}

function shuttingDown(): Error {
  return overloaded('The gateway is shutting down.');
}
