import { onTestFinished } from 'vitest';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import type { Call } from '../../src/contract/task-service.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { createStore, type Store, type StoreOptions } from '../../src/store/store.ts';
import type { DatabaseKind } from './databases.ts';
import { lendDatabase, type MigratedDatabase, separateDatabase } from './lent-databases.ts';
import { addClient } from './client-without-secret.ts';

export const REPORT_TASK: NewAccountTask = {
  TaskID: SAMPLE_TASK_ID,
  Frequency: 'DAILY',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: null,
  Parameters: '{"a":1}',
  ContentType: 'application/json',
  Notification: null,
};

/** Lends an empty database as `lendDatabase` does. No store purges it, so a test may set its clock to any time. */
export async function migratedDatabase(kind: DatabaseKind): Promise<Database> {
  return (await lendDatabase(kind)).database;
}

export interface SampleStore extends MigratedDatabase {
  readonly store: Store;
}

/** Opens a store on an empty database, with REPORT_TASK in its catalogue. */
export async function sampleStore(
  kind: DatabaseKind,
  options: StoreOptions = {},
  decorate: (database: Database) => Database = (database) => database,
): Promise<SampleStore> {
  return storeOver(await lendDatabase(kind), options, decorate);
}

/** Opens such a store on a database that no other test uses, so that a test may change its schema or settings. */
export async function separateStore(kind: DatabaseKind): Promise<SampleStore> {
  return storeOver(await separateDatabase(kind));
}

async function storeOver(
  migrated: MigratedDatabase,
  options: StoreOptions = {},
  decorate: (database: Database) => Database = (database) => database,
): Promise<SampleStore> {
  const store = createStore(decorate(migrated.database), options);
  onTestFinished(() => store.close());
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  return { ...migrated, store };
}

/** Creates an account with one client, which has no secret, and returns a call of that client. */
export async function sampleCall(database: Database, name = 'A client'): Promise<Call> {
  const client = await addClient(database, { name });
  return callOf(client.accountId, client.id);
}

export function callOf(accountId: string, clientId: string | null = null): Call {
  return { caller: { kind: 'account', accountId, clientId }, requestId: 'test' };
}

/** Creates REPORT_TASK many times at once, with the numbers from 0 as Parameters. */
export function createMany(store: Store, call: Call, count: number) {
  const tasks = Array.from({ length: count }, (_, index) => ({ ...REPORT_TASK, Parameters: String(index) }));
  return Promise.all(tasks.map((task) => store.tasks.create(task, call)));
}
