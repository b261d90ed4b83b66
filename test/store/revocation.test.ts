import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Caller } from '../../src/contract/task-service.ts';
import { matchesSecret } from '../../src/store/clients.ts';
import { createStore } from '../../src/store/store.ts';
import { migrate } from '../../src/store/sql/migrations.ts';
import { withClock } from '../support/clocked-database.ts';
import { DATABASES, type DatabaseKind, openTemporary } from '../support/databases.ts';
import { callOf, REPORT_TASK, sampleStore, separateStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';

const NOW_MS = Date.UTC(2026, 1, 22);
const REVOKED = {
  code: 'UNAUTHENTICATED',
  outcome: 'NOT_SENT',
  message: 'The client of this bearer token has been revoked.',
};
const PAGE = { first: 10, after: null };

/** Creates an account with two clients and a task of the first, and opens a second store on the same database. */
async function twoClients(kind: DatabaseKind) {
  const sample = await sampleStore(kind, {}, (database) => withClock(database, { nowMs: NOW_MS }));
  const { store, databaseUrl } = sample;
  const accountId = randomUUID();
  const { client: first, secret } = await store.clients.create({ name: 'First', accountId });
  const second = await addClient(sample.database, { name: 'Second', accountId });
  const { token } = await store.tokens.issue({ accountId, clientId: first.id });
  const call = callOf(accountId, first.id);
  const keyed = { ...call, idempotencyKey: 'a key' };
  const created = await store.tasks.create(REPORT_TASK, keyed);
  const other = createStore(withClock(await openTemporary(databaseUrl), { nowMs: NOW_MS }));
  onTestFinished(() => other.close());
  return { ...sample, other, accountId, first, second, secret, token, call, keyed, created };
}

describe.each(DATABASES)('on %s', (kind) => {
  test('a revoked client is refused everything at once in every process, even if its token is cached', async () => {
    const { store, other, first, secret, token, call, keyed, created } = await twoClients(kind);
    const caller = (await store.tokens.verify(token)) as Caller;
    expect(caller).toEqual(call.caller);

    expect(await other.clients.revoke(first.id)).toEqual({ ...first, revokedAt: '2026-02-22T00:00:00+00:00' });

    expect(await store.tokens.verify(token)).toEqual(caller);
    for (const { tasks } of [store, other]) {
      await expect(tasks.create(REPORT_TASK, call)).rejects.toMatchObject(REVOKED);
      await expect(tasks.create(REPORT_TASK, keyed)).rejects.toMatchObject(REVOKED);
      await expect(tasks.find([created.accountTask.ID], call)).rejects.toMatchObject(REVOKED);
      await expect(tasks.list(PAGE, call)).rejects.toMatchObject(REVOKED);
      await expect(tasks.list({ ...PAGE, after: created.accountTask.ID }, call)).rejects.toMatchObject(REVOKED);
    }
    expect(await other.tokens.verify(token)).toBeNull();
    expect(await store.clients.verifySecret(first.id, secret)).toBeNull();
    await expect(store.tokens.issue({ accountId: first.accountId, clientId: first.id })).rejects.toThrow(
      `clientId: ${first.id} is not a client of this account, or has been revoked`,
    );
  });

  test("after a revocation the account's tasks and other clients stay, and the next oldest client becomes the default", async () => {
    const { store, accountId, first, second, created } = await twoClients(kind);
    const { token } = await store.tokens.issue({ accountId, clientId: second.id });
    await store.clients.revoke(first.id);
    expect(await store.tokens.verify(token)).toMatchObject({ clientId: second.id });
    const { tasks } = await store.tasks.list(PAGE, callOf(accountId, second.id));
    expect(tasks).toEqual([created.accountTask]);
    const ofAccount = await store.tasks.create(REPORT_TASK, callOf(accountId));
    expect(ofAccount.accountTask.detail).toMatchObject({ ClientID: second.id, LastModifiedBy: 'Second' });
    await store.clients.revoke(second.id);
    await expect(store.tasks.create(REPORT_TASK, callOf(accountId))).rejects.toMatchObject({ code: 'CLIENT_REQUIRED' });
    expect((await store.tasks.list(PAGE, callOf(accountId))).tasks).toHaveLength(2);
  });

  test('revoking a client again changes nothing, and revoking an unknown client returns null', async () => {
    const clock = { nowMs: NOW_MS };
    const { store, database } = await sampleStore(kind, {}, (own) => withClock(own, clock));
    const client = await addClient(database);
    const revoked = await store.clients.revoke(`{${client.id.toUpperCase()}}`);
    clock.nowMs += 60_000;
    expect(await store.clients.revoke(client.id)).toEqual(revoked);
    expect(await store.clients.list()).toEqual([revoked]);
    expect(await store.clients.revoke(randomUUID())).toBeNull();
    expect(await store.clients.revoke('not a GUID')).toBeNull();
  });

  test('a client that an older version revoked stays revoked since the same time', async () => {
    const { databaseUrl } = await separateStore(kind);
    const database = await openTemporary(databaseUrl);
    const store = createStore(database);
    const client = await addClient(database);
    const other = await addClient(database, { name: 'Another' });
    await database.transaction(async (transaction) => {
      await transaction.write('ALTER TABLE clients DROP COLUMN revoked_at');
      await transaction.write('DELETE FROM schema_migrations WHERE number IN (4, 6)');
      const revoked = "UPDATE clients SET secret_hash = 'revoked:2026-02-22T00:00:00+00:00' WHERE id = ?1";
      await transaction.write(revoked, [client.id]);
    });
    await migrate(database);
    expect(await store.clients.list()).toEqual([{ ...client, revokedAt: '2026-02-22T00:00:00+00:00' }, other]);
    await expect(store.tasks.list(PAGE, callOf(client.accountId, client.id))).rejects.toMatchObject(REVOKED);
  });

  test('no secret matches the text that replaces the hash of a revoked client, by which older versions know it', async () => {
    const { store, database } = await sampleStore(kind);
    const { client, secret } = await store.clients.create({ name: 'A client' });
    await store.clients.revoke(client.id);
    const [row] = await database.read<{ secret_hash: string }>('SELECT secret_hash FROM clients');
    expect(row?.secret_hash).toMatch(/^revoked:/);
    for (const tried of [secret, '', row?.secret_hash ?? '']) {
      expect(await matchesSecret(tried, row?.secret_hash ?? null)).toBe(false);
    }
    expect(await database.read('SELECT * FROM tokens')).toEqual([]);
  });
});
