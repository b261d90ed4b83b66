const KEPT_MS = 1_000;

/** Shares expensive work: its callers join the one that is under way, and get its result for a second after. */
export function shareForASecond<T>(work: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | null = null;
  let expiresMs = 0;
  return () => {
    if (latest && performance.now() < expiresMs) return latest;
    expiresMs = Infinity;
    latest = work();
    const expire = (): void => {
      expiresMs = performance.now() + KEPT_MS;
    };
    latest.then(expire, expire);
    return latest;
  };
}
