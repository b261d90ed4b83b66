import type { Fetcher } from '../../support/federated-graph.ts';

const MAX_RETRIES = 3;

export interface RetryingFetcher {
  readonly fetcher: Fetcher;
  /** The number of requests since the last call. */
  readonly takeAttempts: () => number;
}

/** Retries up to three times after any failure that looks temporary, as service meshes and routers do even for mutations. */
export function createRetryingFetcher(): RetryingFetcher {
  let attempts = 0;
  return {
    async fetcher(url, init) {
      for (let retries = 0; ; retries += 1) {
        attempts += 1;
        const isLast = retries === MAX_RETRIES;
        try {
          const response = await fetch(url, init);
          if (isLast || !looksTemporary(response)) return response;
        } catch (error) {
          if (isLast) throw error;
        }
      }
    },
    takeAttempts() {
      const taken = attempts;
      attempts = 0;
      return taken;
    },
  };
}

function looksTemporary({ status, headers }: Response): boolean {
  return status >= 500 || status === 429 || status === 408 || headers.has('retry-after');
}
