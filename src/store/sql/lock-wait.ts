import { setTimeout as delay } from 'node:timers/promises';
import { isBusy } from './sqlite-failure.ts';

/** Runs work again for as long as another process's lock may still go away. */
export type LockWait = <Result>(work: () => Promise<Result>) => Promise<Result>;

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Waits for the locks of other processes between tries, so that nothing else waits with it: SQLite's own waiting blocks the event loop.
 * All work that meets one lock shares the time-out: once it is over, work fails at once instead of waiting as long again.
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
        // A refusal long after the last one is another lock's.
        if (pauseMs === FIRST_PAUSE_MS && nowMs - refusedAtMs > timeoutMs) lockedAtMs = nowMs;
        refusedAtMs = nowMs;
        if (nowMs - lockedAtMs >= timeoutMs) throw error;
      }
      await delay(pauseMs);
    }
  };
}
