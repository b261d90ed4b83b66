import { setTimeout as delay } from 'node:timers/promises';
import { isBusy } from './sqlite-failure.ts';

/** Repeats work while another process's lock prevents it, up to a time-out. */
export type LockWait = <Result>(work: () => Promise<Result>) => Promise<Result>;

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Waits between the tries instead of in SQLite, whose own wait blocks the event loop.
 * All work that meets the same lock shares one time-out; after it, work fails at once until the lock is released.
 */
export function createLockWait(timeoutMs: number): LockWait {
  let lockedAtMs = 0;
  let refusedAtMs = Number.NEGATIVE_INFINITY;
  return async (work) => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const result = await work();
        refusedAtMs = Number.NEGATIVE_INFINITY;
        return result;
      } catch (error) {
        if (!isBusy(error)) {
          refusedAtMs = Number.NEGATIVE_INFINITY;
          throw error;
        }
        const nowMs = performance.now();
        // A refusal long after the last one is due to another lock.
        if (pauseMs === FIRST_PAUSE_MS && nowMs - refusedAtMs > timeoutMs) lockedAtMs = nowMs;
        refusedAtMs = nowMs;
        if (nowMs - lockedAtMs >= timeoutMs) throw error;
      }
      await delay(pauseMs);
    }
  };
}
