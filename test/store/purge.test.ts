import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CommitObserver } from '../../src/store/commit-observer.ts';
import type { Database } from '../../src/store/database.ts';
import { insertKeys } from '../../src/store/idempotency-keys.ts';
import { createPurge } from '../../src/store/purge.ts';
import { withClock } from './clocked-database.ts';
import { DATABASES, type DatabaseKind } from './databases.ts';
import { sampleStore } from './sample-account.ts';

const NOW_MS = Date.UTC(2026, 1, 22);
const HOUR_MS = 3_600_000;

const HOLDER = { accountId: randomUUID(), clientId: null };

function observe(onCommit: CommitObserver['onCommit']): CommitObserver {
  return { onCommit, onPending: () => undefined, onFailure: () => undefined, onRefused: () => undefined };
}

/** A database with a clock of the test's own, and a purge that runs when it is called. */
async function purgeOver(kind: DatabaseKind) {
  const clock = { nowMs: NOW_MS };
  const { database, store } = await sampleStore(kind, {}, (own) => withClock(own, clock));
  const deleted: number[] = [];
  const observer = observe((rows) => deleted.push(rows));
  const purge = createPurge({ database: withClock(database, clock), intervalMs: 86_400_000, observer });
  onTestFinished(() => purge.close());
  return { clock, database, store, purge, deleted };
}

function insertKeysThatExpire(database: Database, atMs: number, count: number): Promise<void> {
  const keys = Array.from({ length: count }, () => ({
    scope: randomUUID(),
    attempt: { owner: { scopes: ['s'] as const, credential: null }, key: 'k', fingerprint: 'f', id: randomUUID() },
    state: 'CREATED' as const,
    leaseUntil: '',
    expiresAt: new Date(atMs).toISOString(),
    outcome: null,
  }));
  return database.transaction((transaction) => insertKeys(transaction, keys));
}

async function countRows(database: Database, table: string): Promise<unknown> {
  return (await database.read(`SELECT COUNT(*) AS "rows" FROM ${table}`))[0]?.['rows'];
}

describe.each(DATABASES)('on %s', (kind) => {
  test('expired idempotency keys are deleted a bounded number at a time, and no others', async () => {
    const { clock, database, purge, deleted } = await purgeOver(kind);
    await insertKeysThatExpire(database, NOW_MS, 1200);
    await insertKeysThatExpire(database, NOW_MS + 1, 2);
    await purge.run();
    expect(deleted).toEqual([512, 512, 176]);
    expect(await countRows(database, 'idempotency_keys')).toBe(2);
    clock.nowMs += 1;
    await purge.run();
    expect(await countRows(database, 'idempotency_keys')).toBe(0);
  });

  test('expired tokens are deleted, and no others', async () => {
    const { clock, database, store, purge } = await purgeOver(kind);
    await store.tokens.issue(HOLDER);
    clock.nowMs += 4 * HOUR_MS;
    const { token } = await store.tokens.issue(HOLDER);
    clock.nowMs += 4 * HOUR_MS;
    await purge.run();
    expect(await countRows(database, 'tokens')).toBe(1);
    expect(await store.tokens.verify(token)).not.toBeNull();
  });

  test('a purge repeats by itself until it is closed', async () => {
    const { database } = await sampleStore(kind);
    const purged = Promise.withResolvers<void>();
    await insertKeysThatExpire(database, NOW_MS, 1);
    const purge = createPurge({ database, intervalMs: 1, observer: observe(() => purged.resolve()) });
    await purged.promise;
    await purge.close();
    await insertKeysThatExpire(database, NOW_MS, 1);
    expect(await countRows(database, 'idempotency_keys')).toBe(1);
  });
});
