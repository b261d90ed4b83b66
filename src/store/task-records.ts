import { v7 as uuidv7 } from 'uuid';
import { type AccountTask, readAccountTask } from '../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../contract/json-value.ts';
import type { AccountTaskPage, PageRequest, TaskService } from '../contract/task-service.ts';
import { type BoundedRows, type BoundedSelection, inOrderOf, readBoundedRows } from './bounded-rows.ts';
import { type CallerIdentity, toIdentity } from './caller-identity.ts';
import type { CommitObserver } from './group-commit.ts';
import type { Database, SqlTransaction } from './sql/database.ts';
import { createRetryQueue } from './idempotency/retry-queue.ts';
import { type Acceptance, liftRefusals, type RefusedCredentials } from './refused-credentials.ts';
import { toReadFailure } from './store-failure.ts';
import { TaskFailure } from '../contract/failure.ts';

/** Tasks as they were when the upstream created them. The contract cannot read tasks, so reads are served from here. */
export interface TaskRecords {
  /** Writes the record now. If that fails it throws, and the record is enqueued unless a retry would fail the same way. */
  add(owner: CallerIdentity, task: AccountTask): Promise<void>;
  find(
    owner: CallerIdentity,
    ids: readonly string[],
    maxBytes?: number,
  ): Promise<readonly (AccountTask | null | undefined)[]>;
  list(owner: CallerIdentity, page: PageRequest): Promise<AccountTaskPage>;
  close(): Promise<void>;
}

export interface TaskRecordsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Called for each queued record that will not be written. */
  readonly onDropped: (error: unknown) => void;
  readonly maxQueuedBytes?: number;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** A record to be written. */
export interface NewRecord extends Acceptance {
  readonly scope: string;
  /** The sort order of lists: a time-ordered GUID. */
  readonly position: string;
  readonly id: string;
  /** The task's Detail as JSON. */
  readonly detail: string;
}
type StoredRecord = { readonly position: string; readonly detail: string };

const COLUMNS = ['scope', 'position', 'id', 'detail'];

export function createTaskRecords({ onDropped, ...options }: TaskRecordsOptions): TaskRecords {
  const { database } = options;
  const queue = createRetryQueue<NewRecord>({
    ...options,
    sizeOf: ({ detail }) => Buffer.byteLength(detail),
    write: writeRecords,
    onDropped: (error) => onDropped(error),
  });
  const readRecords = (
    selection: Omit<BoundedSelection, 'table' | 'columns' | 'text'>,
  ): Promise<BoundedRows<StoredRecord>> =>
    readBoundedRows<StoredRecord>(database, {
      ...selection,
      table: 'recorded_tasks',
      columns: 'position, detail',
      text: 'detail',
    }).catch((error: unknown) => {
      throw toReadFailure(error);
    });
  return {
    add: (owner, task) => queue.write(toRecord(owner, task)),
    async find({ scopes }, ids, maxBytes) {
      if (ids.length === 0) return [];
      const { rows, hasMore } = await readRecords({
        key: 'id',
        scope: 'scope = ANY (?1)',
        condition: 'id = ANY (?2)',
        parameters: [scopes, ids],
        first: ids.length,
        maxBytes,
      });
      const tasks = rows.map(({ detail }) => toTask(detail));
      return inOrderOf(ids, tasks, hasMore);
    },
    async list({ scopes }, { first, after, maxBytes }) {
      const behind = 'position < (SELECT MAX(position) FROM recorded_tasks WHERE scope = ANY (?2) AND id = ?3)';
      // An index is ordered within one scope only.
      const pages = await Promise.all(
        scopes.map((scope) => {
          const page = { key: 'position', scope: 'scope = ?1', first, maxBytes };
          return after === null
            ? readRecords({ ...page, parameters: [scope] })
            : readRecords({ ...page, condition: behind, parameters: [scope, scopes, after] });
        }),
      );
      return mergePages(pages, first);
    },
    close: () => queue.close(),
  };
}

/** Makes the record of a task that the service has just created. */
export function toRecord({ scopes: [scope], credential }: CallerIdentity, { ID, detail }: AccountTask): NewRecord {
  return {
    scope,
    position: uuidv7(),
    id: ID,
    detail: JSON.stringify(detail),
    credential: credential?.hash ?? null,
    acceptedAtMs: performance.now(),
  };
}

/** Inserts the records that do not exist yet, and lifts the refusals of the callers' credentials. */
export async function writeRecords(transaction: SqlTransaction, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(({ scope, position, id, detail }) => [scope, position, id, detail]);
  await transaction.insert('recorded_tasks', COLUMNS, rows, { ifAbsent: true });
  await liftRefusals(transaction, records);
}

/** Merges the pages of several scopes. It drops rows older than the end of any cut page, since unread rows may precede them. */
function mergePages(pages: readonly BoundedRows<StoredRecord>[], first: number): AccountTaskPage {
  const cut = pages.flatMap(({ rows, hasMore }) => (hasMore ? (rows.at(-1)?.position ?? []) : []));
  const oldest = cut.toSorted().at(-1) ?? '';
  const records = pages.flatMap(({ rows }) => rows).toSorted((a, b) => (a.position > b.position ? -1 : 1));
  const read = records.filter(({ position }) => position >= oldest).slice(0, first);
  return {
    tasks: read.map(({ detail }) => toTask(detail)),
    hasNextPage: cut.length > 0 || records.length > read.length,
  };
}

function toTask(detail: string): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail) as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return task;
}

export interface RecordingOptions {
  readonly records: TaskRecords;
  readonly refusals: RefusedCredentials;
  /** Called for a task that was created but not recorded yet, so it cannot be read. */
  readonly onUnrecorded: (taskId: string, error: unknown) => void;
}

/** Decorates a task service: records tasks created without a key and serves reads from the records while the service accepts the caller. */
export function recordedTaskService(
  inner: TaskService,
  { records, refusals, onUnrecorded }: RecordingOptions,
): TaskService {
  return {
    ...inner,
    async create(task, call) {
      try {
        const created = await inner.create(task, call);
        const { accountTask } = created;
        // The record of a create with a key is written with the result of its key.
        if (call.idempotencyKey != null) return created;
        // A failed record does not fail the create.
        await records
          .add(toIdentity(call.caller), accountTask)
          .catch((error: unknown) => onUnrecorded(accountTask.ID, error));
        return created;
      } catch (error) {
        if (isRefusedCaller(error)) await refusals.note(toIdentity(call.caller));
        throw error;
      }
    },
    async find(ids, { caller }, maxBytes) {
      const owner = toIdentity(caller);
      const [tasks] = await Promise.all([records.find(owner, ids, maxBytes), refusals.check(owner)]);
      return tasks;
    },
    async list(page, { caller }) {
      const owner = toIdentity(caller);
      const [tasks] = await Promise.all([records.list(owner, page), refusals.check(owner)]);
      return tasks;
    },
    async close() {
      await inner.close();
      await records.close();
      await refusals.close();
    },
  };
}

/** Returns true for a 401 of the service. */
function isRefusedCaller(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UNAUTHENTICATED' && error.outcome === 'REJECTED';
}
