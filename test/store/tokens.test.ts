import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { sampleStore } from './sample-account.ts';
import { DATABASES, type DatabaseKind } from './databases.ts';

const START_MS = Date.UTC(2026, 1, 22, 4);
const HOUR_MS = 3_600_000;

/** A store with one client and a clock that the test sets. */
async function clockedStore(kind: DatabaseKind) {
  const clock = { nowMs: START_MS };
  const sample = await sampleStore(kind, { now: () => clock.nowMs });
  const { client } = await sample.store.clients.create({ name: 'A client' });
  return { ...sample, clock, client, holder: { accountId: client.accountId, clientId: client.id } };
}

describe.each(DATABASES)('on %s', (kind) => {
  test('a token speaks for its account and client for eight hours, and for nobody after them', async () => {
    const { store, clock, holder } = await clockedStore(kind);
    const { token, expiresAt } = await store.tokens.issue(holder);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(expiresAt).toBe('2026-02-22T12:00:00.000Z');
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    clock.nowMs = START_MS + 8 * HOUR_MS - 1;
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    clock.nowMs += 1;
    expect(await store.tokens.verify(token)).toBeNull();
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

  test('a token that was never given out speaks for nobody', async () => {
    const { store, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    expect(await store.tokens.verify('')).toBeNull();
    expect(await store.tokens.verify(token.toLowerCase())).toBeNull();
    expect(await store.tokens.verify(`${token} `)).toBeNull();
  });

  test('tokens outlive the process that gave them out', async () => {
    const { store, databaseUrl, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    await store.close();
    const reopened = await openStore({ databaseUrl, now: () => START_MS });
    expect(await reopened.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    await reopened.close();
  });

  test('a verified token is looked up again after a minute', async () => {
    const { store, database, clock, holder } = await clockedStore(kind);
    const { token } = await store.tokens.issue(holder);
    await store.tokens.verify(token);
    await database.transaction((transaction) => transaction.write('DELETE FROM tokens'));
    clock.nowMs += 59_999;
    expect(await store.tokens.verify(token)).toEqual({ kind: 'account', ...holder });
    clock.nowMs += 1;
    expect(await store.tokens.verify(token)).toBeNull();
  });

  test('expired tokens are removed when the next one is given out', async () => {
    const { store, database, clock, holder } = await clockedStore(kind);
    await store.tokens.issue(holder);
    clock.nowMs += 4 * HOUR_MS;
    const { token } = await store.tokens.issue(holder);
    clock.nowMs += 4 * HOUR_MS;
    await store.tokens.issue(holder);
    expect(await database.read('SELECT expires_at FROM tokens ORDER BY expires_at')).toEqual([
      { expires_at: '2026-02-22T16:00:00.000Z' },
      { expires_at: '2026-02-22T20:00:00.000Z' },
    ]);
    expect(await store.tokens.verify(token)).not.toBeNull();
  });
});
