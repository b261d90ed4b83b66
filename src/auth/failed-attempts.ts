export interface FailedAttemptsOptions {
  /** The number of attempts of one key that may fail within the window. */
  readonly maxAttempts: number;
  readonly windowMs: number;
  /** The number of keys that are remembered; the one that failed longest ago is evicted. */
  readonly maxKeys: number;
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** Counts the failed attempts of each key in a sliding window. */
export interface FailedAttempts {
  /** Returns the time until the key may try again, 0 if it may now. `limit` lowers `maxAttempts` for this call. */
  waitMs(key: string, limit?: number): number;
  /** Counts an attempt as failed from its start, so that concurrent attempts cannot exceed the limit. Returns a function that undoes it. */
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
      const [oldest] = attempts.keys();
      if (attempts.size >= maxKeys && oldest !== undefined) attempts.delete(oldest);
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
