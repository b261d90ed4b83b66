const KEPT_MS = 1_000;

/** Shares expensive work among its callers. They get the run in progress, or its result for one second after it has ended. */
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
