import type { TaskFailure } from '../contract/failure.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import { createFairQueue } from './fair-queue.ts';
import { overloaded } from './transport-failure.ts';

/**
 * Limits how many calls are in flight at the service. One caller may use every slot, but only half of them while others wait.
 * A caller that finds no slot because another one has more than half waits for the next slot, up to a time limit.
 */
export interface CallsInFlight {
  /** Takes a slot, to be returned with `release`; the result is OVERLOADED if all are taken. */
  admit(caller: string): TaskFailure | null | Promise<TaskFailure | null>;
  release(caller: string): void;
  /** Registers work that needs no slot: a part of an admitted call, or a token that such calls wait for. OVERLOADED once drained. */
  begin(): TaskFailure | null;
  /** Ends work that `begin` registered. */
  finish(): void;
  /** Admits no more calls; resolves when nothing is in flight. */
  drain(): Promise<void>;
  /** The number of admitted calls. */
  admitted(): number;
}

export interface CallsInFlightOptions {
  readonly maxInFlight: number;
  /** The longest time that a call waits for a slot. */
  readonly waitMs: number;
  /** Called for each refused call; the limit is `caller_share` if others are waiting for slots that its caller has. */
  readonly onRefused: (limit: 'in_flight' | 'caller_share') => void;
}

type Waiting = (refusal: TaskFailure | null) => void;

export function createCallsInFlight({ maxInFlight, waitMs, onRefused }: CallsInFlightOptions): CallsInFlight {
  const share = Math.max(1, Math.floor(maxInFlight / 2));
  /** The number of slots that each caller has or waits for. */
  const claims = new Map<string, number>();
  /** The caller with more than half of the slots; there can be only one. */
  let largest: string | null = null;
  const waiting = createFairQueue<Waiting>();
  let admitted = 0;
  let inFlight = 0;
  let isDraining = false;
  let onIdle: (() => void) | null = null;

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
  const occupy = (): void => {
    admitted += 1;
    inFlight += 1;
  };
  const finish = (): void => {
    inFlight -= 1;
    if (inFlight === 0) onIdle?.();
  };
  const refuse = (limit: 'in_flight' | 'caller_share'): TaskFailure => {
    onRefused(limit);
    return overloaded('Too many tasks are being created at once.');
  };
  const waitForSlot = (caller: string): Promise<TaskFailure | null> =>
    new Promise((resolve) => {
      const receive: Waiting = (refusal) => {
        clearTimeout(timer);
        if (refusal) dropClaim(caller);
        else occupy();
        resolve(refusal);
      };
      const giveUp = (): void => {
        if (waiting.remove(caller, receive)) receive(refuse('in_flight'));
      };
      const timer = setTimeLimit(giveUp, waitMs);
      claim(caller);
      waiting.add(caller, receive);
    });
  return {
    admit(caller) {
      if (isDraining) return shuttingDown();
      if (admitted < maxInFlight) {
        claim(caller);
        occupy();
        return null;
      }
      const isWithinShare = (claims.get(caller) ?? 0) < share;
      if (largest !== null && isWithinShare && waiting.size() < maxInFlight - share) return waitForSlot(caller);
      return refuse(isWithinShare || waiting.size() === 0 ? 'in_flight' : 'caller_share');
    },
    release(caller) {
      dropClaim(caller);
      admitted -= 1;
      waiting.next()?.(null);
      finish();
    },
    begin() {
      if (isDraining && inFlight === 0) return shuttingDown();
      inFlight += 1;
      return null;
    },
    finish,
    async drain() {
      isDraining = true;
      for (let next = waiting.next(); next; next = waiting.next()) next(shuttingDown());
      if (inFlight === 0) return;
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
