import { v7 as uuidv7 } from 'uuid';
import type { AccountTask, CreatedAccountTask } from '../contract/account-task.ts';
import type { TaskService } from '../contract/task-service.ts';
import { type CallerIdentity, toIdentity } from './caller-identity.ts';
import type { CommitObserver } from './group-commit.ts';
import { type Database, type SqlTransaction, toIso } from './sql/database.ts';
import { createRetryQueue } from './idempotency/retry-queue.ts';
import { type Acceptance, liftRefusals, type RefusedCredentials } from './refused-credentials.ts';
import { createRecordReads, type RecordReads } from './reading/record-reads.ts';
import { TaskFailure } from '../contract/failure.ts';

/** Tasks as they were when the upstream created them. The contract cannot read tasks, so reads are served from here. */
export interface TaskRecords extends RecordReads {
  /** Writes the record now. If that fails it throws, and the record is enqueued unless a retry would fail the same way. */
  add(owner: CallerIdentity, task: AccountTask): Promise<void>;
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
  /** Null if only an operator says that the task exists. */
  readonly recordedAt: string | null;
}
const COLUMNS = ['scope', 'position', 'id', 'detail', 'recorded_at'];

export function createTaskRecords({ onDropped, ...options }: TaskRecordsOptions): TaskRecords {
  const queue = createRetryQueue<NewRecord>({
    ...options,
    sizeOf: ({ detail }) => Buffer.byteLength(detail),
    write: writeRecords,
    onDropped: (error) => onDropped(error),
  });
  return {
    add: (owner, task) => queue.write(toRecord(owner, task)),
    ...createRecordReads(options.database),
    close: () => queue.close(),
  };
}

/** Makes the record of a task that the service has just created. */
export function toRecord(
  { scopes: [scope], credential }: CallerIdentity,
  { ID, detail, recordedAt }: AccountTask,
): NewRecord {
  return {
    scope,
    position: uuidv7(),
    id: ID,
    detail: JSON.stringify(detail),
    recordedAt,
    credential: credential?.hash ?? null,
    acceptedAtMs: performance.now(),
  };
}

/** Inserts the records that do not exist yet, and lifts the refusals of the callers' credentials. */
export async function writeRecords(transaction: SqlTransaction, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(({ scope, position, id, detail, recordedAt }) => [scope, position, id, detail, recordedAt]);
  await transaction.insert('recorded_tasks', COLUMNS, rows, { ifAbsent: true });
  await liftRefusals(transaction, records);
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
        const created = asShownNow(await inner.create(task, call));
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

function asShownNow(created: CreatedAccountTask): CreatedAccountTask {
  return { ...created, accountTask: { ...created.accountTask, recordedAt: toIso(Date.now()) } };
}

/** Returns true for a 401 of the service. */
function isRefusedCaller(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UNAUTHENTICATED' && error.outcome === 'REJECTED';
}
