import { onTestFinished } from 'vitest';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import type { Call } from '../../src/contract/task-service.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { migrate } from '../../src/store/sql/migrations.ts';
import { createStore, type Store, type StoreOptions } from '../../src/store/store.ts';
import { type DatabaseKind, openTemporary, emptyDatabase } from './databases.ts';

export const REPORT_TASK: NewAccountTask = {
  TaskID: SAMPLE_TASK_ID,
  Frequency: 'DAILY',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: null,
  Parameters: '{"a":1}',
  ContentType: 'application/json',
  Notification: null,
};

/** Opens a database with the current schema. No store purges it, so a test may set its clock to any time. */
export async function migratedDatabase(kind: DatabaseKind): Promise<Database> {
  const database = await openTemporary(await emptyDatabase(kind));
  await migrate(database);
  return database;
}

export interface SampleStore {
  readonly store: Store;
  readonly database: Database;
  /** The address to open the database again. */
  readonly databaseUrl: string;
}

/** Opens a store on a new database, with REPORT_TASK in its catalogue. */
export async function sampleStore(
  kind: DatabaseKind,
  options: StoreOptions = {},
  decorate: (database: Database) => Database = (database) => database,
): Promise<SampleStore> {
  const databaseUrl = await emptyDatabase(kind);
  const database = await openTemporary(databaseUrl);
  await migrate(database);
  const store = createStore(decorate(database), options);
  onTestFinished(() => store.close());
  await store.catalogue.add({ id: SAMPLE_TASK_ID, name: 'Send the report' });
  return { store, database, databaseUrl };
}

/** Creates an account with one client and returns a call of that client. */
export async function sampleCall(store: Store, name = 'A client'): Promise<Call> {
  const { client } = await store.clients.create({ name });
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
