import type { TaskFailure } from '../contract/failure.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import { overloaded } from './transport-failure.ts';

/**
 * Limits how many calls are in flight at the service. One caller may use every slot, but only half of them while others wait.
 * A caller that finds no slot because another one has more than half waits for the next slot, up to a time limit.
 */
export interface CallsInFlight {
  /** Runs a call in a slot. Rejects with OVERLOADED if it gets none. */
  run<Result>(caller: string, work: () => Promise<Result>): Promise<Result>;
  /** Admits no more calls; resolves when none is in flight. */
  drain(): Promise<void>;
  size(): number;
}

export interface CallsInFlightOptions {
  readonly maxInFlight: number;
  /** The longest time that a call waits for a slot. */
  readonly waitMs: number;
  /** Called for each refused call; the limit is `caller_share` if others are waiting for slots that its caller has. */
  readonly onRefused: (limit: 'in_flight' | 'caller_share') => void;
}

/** Called once, with null for a slot. */
type Waiting = (refusal: TaskFailure | null) => void;

export function createCallsInFlight({ maxInFlight, waitMs, onRefused }: CallsInFlightOptions): CallsInFlight {
  const share = Math.max(1, Math.floor(maxInFlight / 2));
  /** The number of slots that each caller has or waits for. */
  const claims = new Map<string, number>();
  /** The caller with more than half of the slots; there can be only one. */
  let largest: string | null = null;
  const waiting = createFairQueue<Waiting>();
  let inFlight = 0;
  let isDraining = false;
  const idle = Promise.withResolvers<void>();

  const claim = (caller: string): void => {
    const claimed = (claims.get(caller) ?? 0) + 1;
    claims.set(caller, claimed);
    if (claimed > share) largest = caller;
  };
  const dropClaim = (caller: string): void => {
    const claimed = (claims.get(caller) ?? 1) - 1;
    if (claimed === 0) claims.delete(caller);
    else claims.set(caller, claimed);
    if (caller === largest && claimed <= share) largest = null;
  };
  const refuse = (limit: 'in_flight' | 'caller_share'): TaskFailure => {
    onRefused(limit);
    return overloaded('Too many requests to the service are under way.');
  };
  const waitForSlot = (caller: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const receive: Waiting = (refusal) => {
        clearTimeout(timer);
        if (refusal) {
          dropClaim(caller);
          reject(refusal);
          return;
        }
        inFlight += 1;
        resolve();
      };
      const timer = setTimeLimit(() => {
        if (waiting.remove(caller, receive)) receive(refuse('in_flight'));
      }, waitMs);
      claim(caller);
      waiting.add(caller, receive);
    });
  /** Takes a slot. Returns a failure if all are taken, or a promise if it is worth waiting for one. */
  const admit = (caller: string): TaskFailure | Promise<void> | null => {
    if (isDraining) return shuttingDown();
    if (inFlight < maxInFlight) {
      claim(caller);
      inFlight += 1;
      return null;
    }
    const isWithinShare = (claims.get(caller) ?? 0) < share;
    if (largest !== null && isWithinShare && waiting.size() < maxInFlight - share) return waitForSlot(caller);
    return refuse(isWithinShare || waiting.size() === 0 ? 'in_flight' : 'caller_share');
  };
  const release = (caller: string): void => {
    dropClaim(caller);
    inFlight -= 1;
    waiting.next()?.(null);
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
    run(caller, work) {
      const admission = admit(caller);
      if (admission === null) return runAdmitted(caller, work);
      if (admission instanceof Promise) return admission.then(() => runAdmitted(caller, work));
      return Promise.reject(admission);
    },
    drain() {
      isDraining = true;
      for (let next = waiting.next(); next; next = waiting.next()) next(shuttingDown());
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

/** A round-robin queue: callers take turns, and the items of one caller keep their order. Each operation takes constant time. */
interface FairQueue<Item> {
  add(caller: string, item: Item): void;
  /** Removes an item before its turn; returns false if it is not in the queue. */
  remove(caller: string, item: Item): boolean;
  /** Removes and returns the next item; null if the queue is empty. */
  next(): Item | null;
  size(): number;
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** Callers in the order of their turns. */
  const callers = new Map<string, Set<Item>>();
  let size = 0;
  const remove = (caller: string, item: Item): boolean => {
    const items = callers.get(caller);
    if (!items?.delete(item)) return false;
    size -= 1;
    if (items.size === 0) callers.delete(caller);
    return true;
  };
  return {
    add(caller, item) {
      const items = callers.get(caller);
      if (items) items.add(item);
      else callers.set(caller, new Set([item]));
      size += 1;
    },
    remove,
    next() {
      for (const [caller, items] of callers) {
        for (const item of items) {
          remove(caller, item);
          // Moves the caller to the end of the turns.
          if (callers.delete(caller)) callers.set(caller, items);
          return item;
        }
      }
      return null;
    },
    size: () => size,
  };
}
