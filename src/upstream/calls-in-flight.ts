import type { TaskFailure } from '../contract/failure.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import { overloaded } from './transport-failure.ts';

/**
 * The bound on what is under way at the service. One caller may have all places, but no more than half of them while others
 * wait: when another caller finds no place because one has more than half, it waits for the next, up to a time limit.
 */
export interface CallsInFlight {
  /** Takes a place, which `release` gives back; OVERLOADED if all are taken. */
  admit(caller: string): TaskFailure | null | Promise<TaskFailure | null>;
  release(caller: string): void;
  /** Something is under way beside the bound, a part of an admitted call or what they wait for; OVERLOADED after the end. */
  enter(): TaskFailure | null;
  /** What entered is over. */
  leave(): void;
  /** Admits no more; resolves when nothing is under way. */
  end(): Promise<void>;
  /** How many are admitted. */
  admitted(): number;
}

export interface CallsInFlightOptions {
  readonly maxInFlight: number;
  /** How long a call waits for a place. */
  readonly waitMs: number;
  /** Called for each call that is refused: `caller_share` where others wait for places of its caller. */
  readonly onRefused: (limit: 'in_flight' | 'caller_share') => void;
}

type Waiting = (refusal: TaskFailure | null) => void;

export function createCallsInFlight({ maxInFlight, waitMs, onRefused }: CallsInFlightOptions): CallsInFlight {
  const share = Math.max(1, Math.floor(maxInFlight / 2));
  /** The places of each caller, with those that it waits for. */
  const places = new Map<string, number>();
  /** The caller with more than half of all places, of whom there is one at most. */
  let largest: string | null = null;
  const waiting = createFairQueue<Waiting>();
  let admitted = 0;
  let underWay = 0;
  let isEnding = false;
  let onIdle: (() => void) | null = null;

  const claim = (caller: string): void => {
    const claimed = (places.get(caller) ?? 0) + 1;
    places.set(caller, claimed);
    if (claimed > share) largest = caller;
  };
  const dropClaim = (caller: string): void => {
    const claimed = (places.get(caller) ?? 1) - 1;
    if (claimed === 0) places.delete(caller);
    else places.set(caller, claimed);
    if (caller === largest && claimed <= share) largest = null;
  };
  const enter = (): void => {
    admitted += 1;
    underWay += 1;
  };
  const leave = (): void => {
    underWay -= 1;
    if (underWay === 0) onIdle?.();
  };
  const refuse = (limit: 'in_flight' | 'caller_share'): TaskFailure => {
    onRefused(limit);
    return overloaded('Too many tasks are being created at once.');
  };
  const waitForPlace = (caller: string): Promise<TaskFailure | null> =>
    new Promise((resolve) => {
      const receive: Waiting = (refusal) => {
        clearTimeout(timer);
        if (refusal) dropClaim(caller);
        else enter();
        resolve(refusal);
      };
      const giveUp = (): void => {
        if (waiting.remove(caller, receive)) receive(refuse('in_flight'));
      };
      const timer = setTimeLimit(giveUp, waitMs, undefined);
      claim(caller);
      waiting.add(caller, receive);
    });
  return {
    admit(caller) {
      if (isEnding) return shuttingDown();
      if (admitted < maxInFlight) {
        claim(caller);
        enter();
        return null;
      }
      const isWithinShare = (places.get(caller) ?? 0) < share;
      if (largest !== null && isWithinShare && waiting.size() < maxInFlight - share) return waitForPlace(caller);
      return refuse(isWithinShare || waiting.size() === 0 ? 'in_flight' : 'caller_share');
    },
    release(caller) {
      dropClaim(caller);
      admitted -= 1;
      waiting.next()?.(null);
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
      for (let next = waiting.next(); next; next = waiting.next()) next(shuttingDown());
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

/** A queue in which callers take turns; the items of one caller keep their order. Each operation takes constant time. */
export interface FairQueue<Item> {
  add(caller: string, item: Item): void;
  /** Takes out an item that is to wait no longer; false if it does not wait. */
  remove(caller: string, item: Item): boolean;
  /** Takes out the first item of the caller whose turn it is; null if nothing waits. */
  next(): Item | null;
  size(): number;
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** In the order of their turns. */
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
          // The next turn of this caller comes after those of all others.
          if (callers.delete(caller)) callers.set(caller, items);
          return item;
        }
      }
      return null;
    },
    size: () => size,
  };
}
