import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createStore } from '../../src/store/store.ts';
import { withClock } from '../support/clocked-database.ts';
import { sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';
import { DATABASES, type DatabaseKind, openTemporary } from '../support/databases.ts';

const START_MS = Date.UTC(2026, 1, 22, 4);
const HOUR_MS = 3_600_000;

/** Opens a store with one client and a clock that the test sets. */
async function clockedStore(kind: DatabaseKind) {
  const clock = { nowMs: START_MS };
  const sample = await sampleStore(kind, {}, (database) => withClock(database, clock));
  const client = await addClient(sample.database);
  return { ...sample, clock, client, holder: { accountId: client.accountId, clientId: client.id } };
}

describe.each(DATABASES)('on %s', (kind) => {
  test('a token identifies its account and client for eight hours', async () => {
    const { store, clock, holder } = await clockedStore(kind);
    const { token, expiresAt } = await store.tokens.issue(holder);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(expiresAt).toBe('2026-02-22T12:00:00.000Z');
    clock.nowMs = START_MS + 8 * HOUR_MS;
    expect(await store.tokens.verify(token)).toBeNull();
    clock.nowMs -= 1;
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
  });

  test('a gateway whose clock is a day ahead does not delete a valid token', async () => {
    const { store } = await sampleStore(kind);
    const { token } = await store.tokens.issue({ accountId: randomUUID(), clientId: null });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
    onTestFinished(() => void vi.useRealTimers());
    await store.tokens.issue({ accountId: randomUUID(), clientId: null });
    expect(await store.tokens.verify(token)).not.toBeNull();
  });

  test('an account without a client can have a token', async () => {
    const { store } = await sampleStore(kind);
    const accountId = randomUUID();
    const { token } = await store.tokens.issue({ accountId, clientId: null });
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', accountId, clientId: null });
  });

  test('a token for the client of another account is refused', async () => {
    const { store, client } = await clockedStore(kind);
    const failure = await store.tokens.issue({ accountId: randomUUID(), clientId: client.id }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining('clientId') });
  });

  test('a token that was never issued is refused', async () => {
    const { store, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    expect(await store.tokens.verify('')).toBeNull();
    expect(await store.tokens.verify(token.toLowerCase())).toBeNull();
    expect(await store.tokens.verify(`${token} `)).toBeNull();
  });

  test('a token outlives the process that issued it', async () => {
    const { store, databaseUrl, clock, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    await store.close();
    const reopened = createStore(withClock(await openTemporary(databaseUrl), clock));
    expect(await reopened.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    await reopened.close();
  });

  test('a verified token is cached for a minute', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { store, database, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    await store.tokens.verify(token);
    await database.transaction((transaction) => transaction.write('DELETE FROM tokens'));
    vi.advanceTimersByTime(59_999);
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    vi.advanceTimersByTime(1);
    expect(await store.tokens.verify(token)).toBeNull();
  });

  test('a cached caller expires with its token, however the wall clock is set', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { store, database, clock, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    clock.nowMs += 8 * HOUR_MS - 1_000;
    await store.tokens.verify(token);
    await database.transaction((transaction) => transaction.write('DELETE FROM tokens'));
    vi.advanceTimersByTime(999);
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    vi.advanceTimersByTime(1);
    vi.setSystemTime(Date.now() - 2 * HOUR_MS);
    expect(await store.tokens.verify(token)).toBeNull();
  });
});
