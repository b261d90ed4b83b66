const KEPT_MS = 1_000;
/** A run that takes longer is no longer shared: it may never end. */
const MAX_RUN_MS = 30_000;

/** Shares expensive work among its callers. They get the run in progress, or its result for one second after it has ended. */
export function shareForASecond<T>(work: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | null = null;
  let expiresMs = 0;
  return () => {
    if (latest && performance.now() < expiresMs) return latest;
    expiresMs = performance.now() + MAX_RUN_MS;
    const run = work();
    latest = run;
    const expire = (): void => {
      if (latest === run) expiresMs = performance.now() + KEPT_MS;
    };
    run.then(expire, expire);
    return run;
  };
}
