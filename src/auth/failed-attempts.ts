export interface FailedAttemptsOptions {
  /** How many attempts of one key may fail within the window, and are remembered. */
  readonly maxAttempts: number;
  readonly windowMs: number;
  /** How many keys are remembered; the one that failed longest ago makes room. */
  readonly maxKeys: number;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
}

/** Counts the failed attempts of each key in a sliding window. */
export interface FailedAttempts {
  /** The time until the key may try again, 0 if it may now; `limit` is how many may have failed where fewer than `maxAttempts`. */
  waitMs(key: string, limit?: number): number;
  /** Counts an attempt as failed from its start, so that many at once are no way around the limit; gives what takes it back. */
  count(key: string): () => void;
}

export function createFailedAttempts({ maxAttempts, windowMs, maxKeys, now }: FailedAttemptsOptions): FailedAttempts {
  const attempts = new Map<string, readonly number[]>();
  const recent = (key: string): readonly number[] => {
    const sinceMs = now() - windowMs;
    return (attempts.get(key) ?? []).filter((atMs) => atMs > sinceMs);
  };
  return {
    waitMs(key, limit = maxAttempts) {
      const deciding = recent(key).at(-limit);
      return deciding === undefined ? 0 : deciding + windowMs - now();
    },
    count(key) {
      const atMs = now();
      const times = [...recent(key), atMs].slice(-maxAttempts);
      attempts.delete(key);
      const [stalest] = attempts.keys();
      if (attempts.size >= maxKeys && stalest !== undefined) attempts.delete(stalest);
      attempts.set(key, times);
      return () => {
        const counted = recent(key);
        const index = counted.indexOf(atMs);
        const others = index === -1 ? counted : counted.toSpliced(index, 1);
        if (others.length > 0) attempts.set(key, others);
        else attempts.delete(key);
      };
    },
  };
}
