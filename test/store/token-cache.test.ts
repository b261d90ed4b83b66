import { expect, test } from 'vitest';
import type { AccountCaller } from '../../src/contract/task-service.ts';
import { createTokenCache } from '../../src/store/token-cache.ts';

const CALLER: AccountCaller = { kind: 'account', accountId: 'an account', clientId: null };

test('the oldest caller makes room for the newest', () => {
  const cache = createTokenCache(() => 0, 2);
  for (const hash of ['a', 'b', 'c']) cache.keep(hash, CALLER, 1_000);
  expect(['a', 'b', 'c'].map((hash) => cache.find(hash))).toEqual([null, CALLER, CALLER]);
});

test('a caller is not kept beyond its token', () => {
  let nowMs = 0;
  const cache = createTokenCache(() => nowMs);
  cache.keep('a', CALLER, 1_000);
  nowMs = 999;
  expect(cache.find('a')).toBe(CALLER);
  nowMs = 1_000;
  expect(cache.find('a')).toBeNull();
});
