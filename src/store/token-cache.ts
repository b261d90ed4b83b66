import type { AccountCaller } from '../contract/task-service.ts';

export interface TokenCache {
  find(tokenHash: string): AccountCaller | null;
  /** Keeps the caller for a minute, but never longer than what is left of the token's life. */
  keep(tokenHash: string, caller: AccountCaller, leftMs: number): void;
}

const LIFE_MS = 60_000;
const MAX_TOKENS = 1_000;

/** Callers whose tokens were verified a moment ago; the oldest makes room for the newest. */
export function createTokenCache(maxTokens = MAX_TOKENS): TokenCache {
  const entries = new Map<string, { readonly caller: AccountCaller; readonly untilMs: number }>();
  return {
    find(tokenHash) {
      const entry = entries.get(tokenHash);
      if (!entry) return null;
      if (entry.untilMs > performance.now()) return entry.caller;
      entries.delete(tokenHash);
      return null;
    },
    keep(tokenHash, caller, leftMs) {
      const [oldest] = entries.keys();
      if (entries.size >= maxTokens && oldest !== undefined) entries.delete(oldest);
      entries.set(tokenHash, { caller, untilMs: performance.now() + Math.min(LIFE_MS, leftMs) });
    },
  };
}
