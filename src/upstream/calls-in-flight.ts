import type { TaskFailure } from '../contract/failure.ts';
import { overloaded } from './transport-failure.ts';

/** The bound on what is under way at the service, and who waits for its end. */
export interface CallsInFlight {
  /** Takes a place, which `leaveAdmitted` gives back; OVERLOADED when there is none. */
  admit(): TaskFailure | null;
  leaveAdmitted(): void;
  /** Something is under way beside the bound, a part of an admitted call or what they wait for; OVERLOADED after the end. */
  enter(): TaskFailure | null;
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
  return {
    admit() {
      if (isEnding) return shuttingDown();
      if (admitted >= maxInFlight) {
        onRefused();
        return overloaded('Too many tasks are being created at once.');
      }
      admitted += 1;
      underWay += 1;
      return null;
    },
    leaveAdmitted() {
      admitted -= 1;
      leave();
    },
    enter() {
      if (isEnding && underWay === 0) return shuttingDown();
      underWay += 1;
      return null;
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

function shuttingDown(): TaskFailure {
  return overloaded('The gateway is shutting down.');
}
