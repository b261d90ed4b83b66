import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { createKeyPurge, insertKeys } from '../../src/store/idempotency-keys.ts';
import { DATABASES } from './databases.ts';
import { sampleStore } from './sample-account.ts';

const NOW_MS = Date.UTC(2026, 1, 22);
const MINUTE_MS = 60_000;

function keysThatExpire(atMs: number, count: number) {
  return Array.from({ length: count }, () => ({
    attempt: { scope: randomUUID(), key: 'k', fingerprint: 'f', id: randomUUID() },
    state: 'CREATED' as const,
    leaseUntil: '',
    expiresAt: new Date(atMs).toISOString(),
    outcome: null,
  }));
}

async function countKeys(database: Database): Promise<unknown> {
  return (await database.read('SELECT COUNT(*) AS "keys" FROM idempotency_keys'))[0]?.['keys'];
}

describe.each(DATABASES)('the purge of expired keys on %s', (kind) => {
  test('takes a bounded number a transaction, goes on until none is left, and then rests', async () => {
    const { database } = await sampleStore(kind);
    await database.transaction((transaction) =>
      insertKeys(transaction, [
        ...keysThatExpire(NOW_MS, 1200),
        ...keysThatExpire(NOW_MS + 1, 2),
        ...keysThatExpire(NOW_MS + 2 * MINUTE_MS, 1),
      ]),
    );
    const purge = createKeyPurge(MINUTE_MS);
    const left = async (nowMs: number): Promise<unknown> => {
      await database.transaction((transaction) => purge(transaction, nowMs));
      return countKeys(database);
    };
    const counts = [await left(NOW_MS), await left(NOW_MS), await left(NOW_MS)];
    expect(counts).toEqual([691, 179, 3]);
    expect(await left(NOW_MS + 1)).toBe(3);
    expect(await left(NOW_MS + 2 + MINUTE_MS)).toBe(1);
  });
});
