import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { withClock } from '../support/clocked-database.ts';
import { sampleStore } from '../support/sample-account.ts';
import { DATABASES } from '../support/databases.ts';

describe.each(DATABASES)('on %s', (kind) => {
  test('a new client gets a GUID, its own account and a secret that only it can present', async () => {
    const { store } = await sampleStore(kind, {}, (database) => withClock(database, { nowMs: Date.UTC(2026, 1, 22) }));
    const { client, secret } = await store.clients.create({ name: 'Reports' });
    const other = await store.clients.create({ name: 'Reports' });
    const guid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const createdAt = '2026-02-22T00:00:00+00:00';
    expect(client).toEqual({ id: guid, accountId: guid, name: 'Reports', createdAt, revokedAt: null });
    expect(client.accountId).not.toBe(other.client.accountId);
    expect(secret).toMatch(/^[\w-]{32,50}$/);
    expect(secret).not.toBe(other.secret);
    expect(await store.clients.verifySecret(client.id, secret)).toEqual(client);
    expect(await store.clients.verifySecret(`{${client.id.toUpperCase()}}`, secret)).toEqual(client);
    expect(await store.clients.verifySecret(client.id, other.secret)).toBeNull();
    expect(await store.clients.verifySecret(randomUUID(), secret)).toBeNull();
    expect(await store.clients.verifySecret('not a GUID', secret)).toBeNull();
    expect(await store.clients.verifySecret(client.id, '')).toBeNull();
  });

  test('clients are listed oldest first, without their secrets', async () => {
    const { store } = await sampleStore(kind);
    const accountId = randomUUID();
    const { client: first } = await store.clients.create({ name: 'First', accountId });
    const { client: second } = await store.clients.create({ name: 'Second', accountId: accountId.toUpperCase() });
    expect(second.accountId).toBe(accountId);
    expect(await store.clients.list()).toEqual([first, second]);
  });

  test.each([
    ['', undefined, 'name: expected 1 to 18 characters'],
    [' ', undefined, 'name: expected 1 to 18 characters'],
    ['nineteen characters', undefined, 'name: expected 1 to 18 characters'],
    ['Reports', '1234', 'accountId: expected a GUID'],
  ])('creating a client named "%s" for account %s is refused', async (name, accountId, message) => {
    const { store } = await sampleStore(kind);
    await expect(store.clients.create({ name, accountId })).rejects.toThrow(message);
    expect(await store.clients.list()).toEqual([]);
  });
});
