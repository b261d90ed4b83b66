import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import type { CommitObserver } from '../../src/store/group-commit.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { insertKeys } from '../../src/store/idempotency/keys.ts';
import { createPurge } from '../../src/store/purge.ts';
import { createTaskRecords, toRecord } from '../../src/store/task-records.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { withClock } from '../support/clocked-database.ts';
import { insertAttempts } from '../../src/store/idempotency/attempt-rows.ts';
import { newAttempt } from './idempotency/new-attempt.ts';
import { DATABASES, type DatabaseKind } from '../support/databases.ts';
import { sampleStore } from '../support/sample-account.ts';

const NOW_MS = Date.UTC(2026, 1, 22);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const KEY_EXPIRY_MS = 90 * DAY_MS;

const HOLDER = { accountId: randomUUID(), clientId: null };

function observe(onCommit: CommitObserver['onCommit']): CommitObserver {
  return { onCommit, onPending: () => undefined, onFailure: () => undefined, onRefused: () => undefined };
}

/** Opens a database with a clock that the test sets, and a purge that the test runs. */
async function purgeOver(kind: DatabaseKind, recordDays: number | null = null) {
  const clock = { nowMs: NOW_MS };
  const { database, store } = await sampleStore(kind, {}, (own) => withClock(own, clock));
  const deleted: number[] = [];
  const observer = observe((rows) => deleted.push(rows));
  const purge = createPurge({
    database: withClock(database, clock),
    keyExpiryMs: KEY_EXPIRY_MS,
    recordDays,
    intervalMs: DAY_MS,
    observer,
  });
  onTestFinished(() => purge.close());
  return { clock, database, store, purge, deleted };
}

function insertKeysThatExpire(
  database: Database,
  atMs: number,
  count: number,
  state: 'CREATED' | 'UNKNOWN' | 'RUNNING' = 'CREATED',
): Promise<void> {
  const keys = Array.from({ length: count }, () => ({
    attempt: newAttempt({ key: randomUUID() }),
    state,
    triedAt: '',
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
  test('only expired idempotency keys are deleted, a bounded number at a time', async () => {
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

  test('only expired tokens are deleted', async () => {
    const { clock, database, store, purge } = await purgeOver(kind);
    await store.tokens.issue(HOLDER);
    clock.nowMs += 4 * HOUR_MS;
    const { token } = await store.tokens.issue(HOLDER);
    clock.nowMs += 4 * HOUR_MS;
    await purge.run();
    expect(await countRows(database, 'tokens')).toBe(1);
    expect(await store.tokens.verify(token)).not.toBeNull();
  });

  test('records are deleted once they are older than RECORD_DAYS, a bounded number at a time', async () => {
    const { clock, database, purge, deleted } = await purgeOver(kind, 30);
    const records = createTaskRecords({ database, maxPending: 10_000, onUnwritten: () => {} });
    onTestFinished(() => records.close());
    const task = readAccountTask(SAMPLE_DETAIL, 'Detail') as AccountTask;
    const owner = { scope: 's', credential: null } as const;
    await Promise.all(Array.from({ length: 600 }, () => records.write(toRecord(owner, { ...task, ID: randomUUID() }))));
    const [newest] = await database.read<{ position: string }>('SELECT MAX(position) AS position FROM recorded_tasks');
    const newestMs = Number.parseInt(String(newest?.position).replace('-', '').slice(0, 12), 16);
    vi.useFakeTimers({ toFake: ['Date'], now: newestMs + 1 });
    onTestFinished(() => void vi.useRealTimers());
    await records.write(toRecord(owner, task));
    clock.nowMs = newestMs + 30 * DAY_MS + 1;
    await purge.run();
    expect(deleted).toEqual([512, 88]);
    expect((await records.list(owner, { first: 10, after: null })).tasks).toEqual([task]);
    clock.nowMs += 31 * DAY_MS;
    await purge.run();
    expect(await countRows(database, 'recorded_tasks')).toBe(0);
  });

  test('without RECORD_DAYS, records are kept', async () => {
    const { clock, database, purge } = await purgeOver(kind);
    const records = createTaskRecords({ database, maxPending: 10, onUnwritten: () => {} });
    onTestFinished(() => records.close());
    await records.write(
      toRecord({ scope: 's', credential: null }, readAccountTask(SAMPLE_DETAIL, 'Detail') as AccountTask),
    );
    clock.nowMs += 36_500 * DAY_MS;
    await purge.run();
    expect(await countRows(database, 'recorded_tasks')).toBe(1);
  });

  test('keys are kept until they expire, even if RECORD_DAYS is shorter', async () => {
    const { clock, database, purge } = await purgeOver(kind, 30);
    for (const state of ['CREATED', 'UNKNOWN', 'RUNNING'] as const)
      await insertKeysThatExpire(database, NOW_MS + KEY_EXPIRY_MS, 1, state);
    const statesAfter = async (days: number) => {
      clock.nowMs = NOW_MS + days * DAY_MS;
      await purge.run();
      return (await database.read('SELECT state FROM idempotency_keys ORDER BY state')).map(({ state }) => state);
    };
    expect(await statesAfter(31)).toEqual(['CREATED', 'RUNNING', 'UNKNOWN']);
    expect(await statesAfter(90)).toEqual([]);
  });

  test('settled attempts are kept for RECORD_DAYS, and those of unknown fate until they are settled', async () => {
    const { clock, database, purge } = await purgeOver(kind, 30);
    const times = { triedAt: new Date(NOW_MS - 90 * DAY_MS).toISOString(), leaseUntil: '' };
    const rows = ['settled', 'unknown'].map((id) => ({ attempt: newAttempt({ id }), ...times }));
    await database.transaction((transaction) => insertAttempts(transaction, rows));
    await database.transaction((transaction) =>
      transaction.write("UPDATE attempts SET settled_at = ?1 WHERE id = 'settled'", [new Date(NOW_MS).toISOString()]),
    );
    const idsAfter = async (days: number) => {
      clock.nowMs = NOW_MS + days * DAY_MS;
      await purge.run();
      return (await database.read('SELECT id FROM attempts ORDER BY id')).map(({ id }) => id);
    };
    expect(await idsAfter(29)).toEqual(['settled', 'unknown']);
    expect(await idsAfter(30)).toEqual(['unknown']);
    expect(await idsAfter(3_000)).toEqual(['unknown']);
  });

  test('a refusal is deleted once the last record or key that it protects has expired', async () => {
    const { clock, database, purge } = await purgeOver(kind, 120);
    await database.transaction((transaction) =>
      transaction.insert(
        'refused_credentials',
        ['credential', 'refused_at', 'expires_at'],
        [['c', NOW_MS, Number.MAX_SAFE_INTEGER]],
      ),
    );
    clock.nowMs += 119 * DAY_MS;
    await purge.run();
    expect(await countRows(database, 'refused_credentials')).toBe(1);
    clock.nowMs += DAY_MS;
    await purge.run();
    expect(await countRows(database, 'refused_credentials')).toBe(0);
  });

  test('a purge repeats until it is closed', async () => {
    const { database } = await sampleStore(kind);
    const purged = Promise.withResolvers<void>();
    await insertKeysThatExpire(database, NOW_MS, 1);
    const purge = createPurge({
      database,
      keyExpiryMs: KEY_EXPIRY_MS,
      recordDays: null,
      intervalMs: 1,
      observer: observe(() => purged.resolve()),
    });
    await purged.promise;
    await purge.close();
    await insertKeysThatExpire(database, NOW_MS, 1);
    expect(await countRows(database, 'idempotency_keys')).toBe(1);
  });
});
