import type { TaskFailure } from '../contract/failure.ts';
import { Deadline } from '../event-loop/time-limit.ts';
import { overloaded } from './transport-failure.ts';

export interface CallLimits {
  readonly maxInFlight: number;
  /** The longest time that a call waits for a slot. */
  readonly waitMs: number;
  /** Called for each refused call; the limit is `caller_share` if others are waiting for slots that its caller has. */
  readonly onRefused: (limit: 'in_flight' | 'caller_share') => void;
}

export type CallsInFlight = ReturnType<typeof createCallsInFlight>;

/**
 * Limits how many calls are in flight at the service. One caller may use every slot, but only half of them while others wait.
 * A caller that finds no slot because another one has more than half waits for the next slot, up to a time limit.
 */
export function createCallsInFlight({ maxInFlight, waitMs, onRefused }: CallLimits) {
  const share = Math.max(1, Math.floor(maxInFlight / 2));
  /** The number of slots that each caller has or waits for. */
  const claims = new Map<string, number>();
  /** The caller with more than half of the slots; there can be only one. */
  let largest: string | null = null;
  const waiting = new FairQueue<boolean>();
  let inFlight = 0;
  let isDraining = false;
  const idle = Promise.withResolvers<void>();

  const claim = (caller: string, change: 1 | -1): void => {
    const claimed = (claims.get(caller) ?? 0) + change;
    if (claimed === 0) claims.delete(caller);
    else claims.set(caller, claimed);
    if (claimed > share) largest = caller;
    else if (caller === largest) largest = null;
  };
  const refuse = (limit: 'in_flight' | 'caller_share'): TaskFailure => {
    onRefused(limit);
    return overloaded('Too many requests to the service are under way.');
  };
  const waitForSlot = async (caller: string): Promise<void> => {
    claim(caller, 1);
    const deadline = new Deadline(waitMs);
    const hasSlot = await waiting.wait(caller, deadline);
    deadline.clear();
    if (hasSlot) return;
    claim(caller, -1);
    throw hasSlot === null ? refuse('in_flight') : shuttingDown();
  };
  /** Takes a slot. Returns null if it has one, or a promise to wait for. */
  const admit = (caller: string): Promise<void> | null => {
    if (isDraining) return Promise.reject(shuttingDown());
    if (inFlight < maxInFlight) {
      claim(caller, 1);
      inFlight += 1;
      return null;
    }
    const isWithinShare = (claims.get(caller) ?? 0) < share;
    if (largest !== null && isWithinShare && waiting.size < maxInFlight - share) return waitForSlot(caller);
    return Promise.reject(refuse(isWithinShare || waiting.size === 0 ? 'in_flight' : 'caller_share'));
  };
  const release = (caller: string): void => {
    claim(caller, -1);
    // A waiting call takes the slot over.
    if (!waiting.give(true)) inFlight -= 1;
    if (isDraining && inFlight === 0) idle.resolve();
  };
  const runAdmitted = <Result>(caller: string, work: () => Promise<Result>): Promise<Result> =>
    work().then(
      (result) => {
        release(caller);
        return result;
      },
      (error: unknown) => {
        release(caller);
        throw error;
      },
    );
  return {
    /** Runs a call in a slot. Rejects with OVERLOADED if it gets none. */
    run<Result>(caller: string, work: () => Promise<Result>): Promise<Result> {
      const admission = admit(caller);
      return admission ? admission.then(() => runAdmitted(caller, work)) : runAdmitted(caller, work);
    },
    /** Admits no more calls; resolves when none is in flight. */
    drain(): Promise<void> {
      isDraining = true;
      while (waiting.give(false));
      if (inFlight === 0) idle.resolve();
      return idle.promise;
    },
    size: () => inFlight,
  };
}

/** The failure of a call that comes after the drain. */
export function shuttingDown(): TaskFailure {
  return overloaded('The gateway is shutting down.');
}

/** Calls that wait for something, such as a connection. Callers take turns, and the calls of one caller keep their order. */
export class FairQueue<Item> {
  /** In the order of the callers' turns. */
  readonly #callers = new Map<string, Set<(item: Item) => void>>();
  /** The number of waiting calls. */
  size = 0;

  /** Resolves with the item that the call is given, or with null if the deadline expires first. */
  wait(caller: string, deadline: Deadline): Promise<Item | null> {
    const calls = this.#callers.get(caller) ?? new Set();
    this.#callers.set(caller, calls);
    this.size += 1;
    return new Promise((resolve) => {
      const receive = (item: Item): void => {
        deadline.phase = null;
        resolve(item);
      };
      calls.add(receive);
      deadline.phase = {
        onExpired: () => {
          this.size -= 1;
          calls.delete(receive);
          if (calls.size === 0) this.#callers.delete(caller);
          resolve(null);
        },
      };
    });
  }

  /** Gives an item to the call whose turn it is; false if none waits. Takes constant time. */
  give(item: Item): boolean {
    for (const [caller, calls] of this.#callers) {
      for (const receive of calls) {
        this.size -= 1;
        calls.delete(receive);
        // Moves the caller to the end of the turns.
        this.#callers.delete(caller);
        if (calls.size > 0) this.#callers.set(caller, calls);
        receive(item);
        return true;
      }
    }
    return false;
  }
}
