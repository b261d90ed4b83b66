import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ClientOrder } from '../../src/contract/account-task.ts';
import { type Database, DatabaseUnavailableError } from '../../src/store/sql/database.ts';
import { DATABASES } from '../support/databases.ts';
import { callOf, REPORT_TASK, sampleCall, sampleStore } from '../support/sample-account.ts';

const accountId = randomUUID();
const ORDER: ClientOrder = { Name: 'Reports', UserID: accountId, Secret: null };

describe.each(DATABASES)('a client created through the port on %s', (kind) => {
  test('a token of the account itself creates a client, whose secret is valid and shown once', async () => {
    const { store, database } = await sampleStore(kind);
    const call = callOf(accountId);
    const { ID, Name, Secret, detail } = await store.tasks.createClient(ORDER, call);
    expect({ Name, detail }).toEqual({ Name: 'Reports', detail: { ID, Name: 'Reports', Secret } });
    expect(Secret).toMatch(/^[\w-]{43}$/);
    expect(await store.clients.verifySecret(ID, Secret ?? '')).toMatchObject({ id: ID, accountId, name: 'Reports' });
    expect((await store.tasks.create(REPORT_TASK, call)).accountTask.ClientID).toBe(ID);
    expect(JSON.stringify(await database.read('SELECT * FROM clients'))).not.toContain(Secret);
  });

  test.each([16, 50])('a given secret of %i characters is the secret of the client', async (length) => {
    const { store } = await sampleStore(kind);
    const given = '🦊'.repeat(length / 2);
    const { ID, Secret } = await store.tasks.createClient({ ...ORDER, Secret: given }, callOf(accountId));
    expect(Secret).toBe(given);
    expect(await store.clients.verifySecret(ID, given)).toMatchObject({ id: ID });
  });

  test.each([
    ['a secret that is too short', { Secret: 'hunter2-hunter2' }, 'secret: expected 16 to 50 characters, got 15'],
    ['a secret that is too long', { Secret: 'x'.repeat(51) }, 'secret: expected 16 to 50 characters, got 51'],
    ['a name that is too long', { Name: 'x'.repeat(19) }, 'name: expected 1 to 18 characters'],
    ['a blank name', { Name: ' ' }, 'name: expected 1 to 18 characters'],
  ])('%s is refused, and no client is created', async (_, change, message) => {
    const { store } = await sampleStore(kind);
    await expect(store.tasks.createClient({ ...ORDER, ...change }, callOf(accountId))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NOT_SENT',
      inputMember: 'Secret' in change ? 'secret' : 'name',
      message: expect.stringContaining(message) as string,
    });
    expect(await store.clients.list()).toEqual([]);
  });

  test('a token of a client, and one of another account, may not create clients', async () => {
    const { store, database } = await sampleStore(kind);
    const ofClient = await sampleCall(database);
    const own = (ofClient.caller as { readonly accountId: string }).accountId;
    const forbidden = { code: 'FORBIDDEN', outcome: 'NOT_SENT' };
    await expect(store.tasks.createClient({ ...ORDER, UserID: own }, ofClient)).rejects.toMatchObject(forbidden);
    await expect(store.tasks.createClient(ORDER, callOf(own))).rejects.toMatchObject(forbidden);
    expect(await store.clients.list()).toHaveLength(1);
  });

  test('a commit whose answer is lost says what may exist, without the secret', async () => {
    const { store } = await sampleStore(
      kind,
      {},
      (database): Database => ({
        ...database,
        async transaction(work) {
          const result = await database.transaction(work);
          if (!JSON.stringify(result ?? null).includes('scrypt')) return result;
          throw new DatabaseUnavailableError('the connection was lost', { cause: null, fateUnknown: true });
        },
      }),
    );
    const Secret = 'a secret of the caller';
    const failure = await store.tasks
      .createClient({ ...ORDER, Secret }, callOf(accountId))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'STORE_FAILED',
      outcome: 'UNKNOWN',
      retryable: false,
      message: expect.stringContaining('a client may exist whose secret nobody has; create another') as string,
    });
    expect(JSON.stringify(failure)).not.toContain(Secret);
  });

  test('clients beyond the few that are created at once are refused, and those are created', async () => {
    const { store } = await sampleStore(kind);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => store.tasks.createClient(ORDER, callOf(accountId))),
    );
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(4);
    for (const result of refused) expect(result).toMatchObject({ reason: { code: 'OVERLOADED', outcome: 'NOT_SENT' } });
    expect(await store.clients.list()).toHaveLength(16);
  });

  test('nothing runs tasks in the store, and it says so', async () => {
    const { store } = await sampleStore(kind);
    await expect(store.tasks.run({ id: randomUUID() }, callOf(accountId))).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      outcome: 'NOT_SENT',
      message: 'Nothing runs tasks in the task store, so none can be run now.',
    });
  });
});
