import { expect, onTestFinished, test, vi } from 'vitest';
import type { AccountCaller } from '../../src/contract/task-service.ts';
import { createTokenCache } from '../../src/store/tokens.ts';

const CALLER: AccountCaller = { kind: 'account', accountId: 'an account', clientId: null };

test('a full token cache evicts its oldest entry', () => {
  const cache = createTokenCache(2);
  for (const hash of ['a', 'b', 'c']) cache.set(hash, CALLER, 1_000);
  expect(['a', 'b', 'c'].map((hash) => cache.find(hash))).toEqual([null, CALLER, CALLER]);
});

test('a cached caller expires with its token, however the wall clock is set', () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const cache = createTokenCache();
  cache.set('a', CALLER, 1_000);
  vi.advanceTimersByTime(999);
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(cache.find('a')).toBe(CALLER);
  vi.advanceTimersByTime(1);
  vi.setSystemTime(Date.now() - 2 * 3_600_000);
  expect(cache.find('a')).toBeNull();
});
