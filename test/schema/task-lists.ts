import { randomUUID } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import type { Caller, TaskService } from '../../src/contract/task-service.ts';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
import { createTimeOrderedId, insertTasks, type StoredDetail } from '../../src/store/account-tasks.ts';
import { toIdentity } from '../../src/store/caller-identity.ts';
import type { Database } from '../../src/store/sql/database.ts';
import { createRefusedCredentials } from '../../src/store/refused-credentials.ts';
import { createTaskRecords, toRecord } from '../../src/store/task-records.ts';
import { recordedTaskService } from '../../src/store/upstream-records.ts';
import { type RunningGateway, startGateway } from '../support/running-gateway.ts';
import { type DatabaseKind } from '../support/databases.ts';
import { migratedDatabase, sampleStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

/** The values from which tasks and filters are made. */
export const TASK_IDS = ['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`);
export const CLIENT_IDS = ['d', 'e'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`);
export const FREQUENCIES = ['NONE', 'DAILY', 'FORTNIGHTLY'];
export const STATUSES = ['REGISTERED', 'PAUSED', 'registered'];
/** Milliseconds since 1970, with fractions of 100 ns. */
export const TIMES = Array.from(
  { length: 6 },
  (_, index) => Date.UTC(2026, 1, 22, 4, 10) + Math.floor(index / 2) + (index % 2) / 4,
);

/** A task by the places of its values in those lists. */
export interface ListedTask {
  readonly ID: string;
  readonly taskId: number;
  readonly clientId: number;
  readonly frequency: number;
  readonly status: number;
  readonly time: number;
  readonly isEnabled: boolean;
  /** Parameters of this length. */
  readonly length?: number;
}

/** A task without an ID. */
export const SAMPLE = { taskId: 0, clientId: 0, frequency: 0, status: 0, time: 0, isEnabled: true };

export function toDetail(task: ListedTask): StoredDetail {
  const created = formatTimestamp(TIMES[task.time] ?? 0);
  return {
    ID: task.ID,
    TaskID: TASK_IDS[task.taskId] ?? '',
    Name: 'A report',
    Enabled: task.isEnabled,
    Frequency: FREQUENCIES[task.frequency] ?? '',
    StartDate: null,
    FinishDate: null,
    Parameters: 'x'.repeat(task.length ?? 3),
    ContentType: 'application/json',
    Notification: 'NONE',
    DateCreated: created,
    DateModified: created,
    LastRunOn: null,
    LastRunBy: null,
    LastModifiedBy: 'test',
    Status: STATUSES[task.status] ?? '',
    ClientID: CLIENT_IDS[task.clientId] ?? '',
  };
}

/** A gateway whose tasks a test makes. */
export interface ListedTasks {
  readonly gateway: RunningGateway;
  readonly database: Database;
  /** Adds tasks. Lists have them in the order of their IDs, or in that of their addition if they are records. */
  readonly add: (tasks: readonly ListedTask[]) => Promise<void>;
  readonly isOrderedById: boolean;
  /** Makes the ID of a task. */
  readonly createId: (time: number) => string;
}

/** Starts a gateway over the store. */
export async function startStoredTasks(kind: DatabaseKind): Promise<ListedTasks> {
  const { store, database } = await sampleStore(kind);
  for (const id of TASK_IDS) await store.catalogue.add({ id, name: 'A report' });
  const client = await addClient(database);
  const { accountId } = client;
  await database.transaction((transaction) =>
    transaction.insert(
      'clients',
      ['id', 'account_id', 'name', 'secret_hash', 'created_at'],
      CLIENT_IDS.map((id) => [id, accountId, 'test', '', '']),
    ),
  );
  return {
    gateway: await startOver(store.tasks, { kind: 'account', accountId, clientId: client.id }),
    database,
    isOrderedById: true,
    createId: (time) => createTimeOrderedId(Math.floor(TIMES[time] ?? 0)),
    add: (tasks) =>
      database.transaction((transaction) =>
        insertTasks(
          transaction,
          tasks.map((task) => ({ accountId, detail: toDetail(task) })),
        ),
      ),
  };
}

/** Starts a gateway over records. */
export async function startRecordedTasks(kind: DatabaseKind): Promise<ListedTasks> {
  const database = await migratedDatabase(kind);
  const options = { database, maxPending: 10_000, onUnwritten: () => {} };
  const records = createTaskRecords(options);
  const refusals = createRefusedCredentials(options);
  const upstream = partialTaskService({});
  const tasks = recordedTaskService(upstream, records, refusals);
  onTestFinished(() => tasks.close());
  return {
    gateway: await startOver(tasks, { kind: 'subject', subject: 's' }),
    database,
    isOrderedById: false,
    createId: () => randomUUID(),
    async add(all) {
      const identity = toIdentity({ kind: 'subject', subject: 's' });
      const accountTasks = all.map((task) => readAccountTask(toDetail(task), '') as AccountTask);
      await Promise.all(accountTasks.map((accountTask) => records.write(toRecord(identity, accountTask))));
    },
  };
}

async function startOver(tasks: TaskService, caller: Caller): Promise<RunningGateway> {
  const backend = { tasks, authenticate: () => caller, issueToken: null, batchConcurrency: 1 };
  const gateway = await startGateway(() => ({ ...backend, tasks: { ...tasks, close: async () => {} } }));
  onTestFinished(() => gateway.close());
  return gateway;
}

const QUERY = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: AccountTaskFilter, $order: AccountTaskOrder) {
  accountTasks(first: $first, after: $after, last: $last, before: $before, filter: $filter, order: $order) {
    totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export interface Page {
  readonly totalCount: number | null;
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** Reads a page. */
export async function readPage({ gateway }: ListedTasks, variables: object): Promise<Page> {
  const { json } = await gateway.graphql({ query: QUERY, variables });
  expect(json.errors).toBeUndefined();
  return (json.data as unknown as { accountTasks: Page }).accountTasks;
}

/** Reads the codes and messages of the errors. */
export async function readErrors({ gateway }: ListedTasks, variables: object): Promise<unknown> {
  const { json } = await gateway.graphql({ query: QUERY, variables });
  return json.errors?.map(({ message, extensions }) => [extensions['code'], message]);
}
