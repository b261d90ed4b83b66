import { v7 as uuidv7 } from 'uuid';
import type { AccountTask } from '../contract/account-task.ts';
import { type Call, decorateWrites, type TaskService } from '../contract/task-service.ts';
import { type CallerIdentity, toIdentity } from './caller-identity.ts';
import type { CommitObserver } from './group-commit.ts';
import { type Database, type SqlTransaction, toIso } from './sql/database.ts';
import { createRetryQueue } from './idempotency/retry-queue.ts';
import { type Acceptance, liftRefusals, type RefusedCredentials } from './refused-credentials.ts';
import { createRecordReads, type RecordReads } from './reading/record-reads.ts';
import { TaskFailure } from '../contract/failure.ts';
import { accountTaskNotFound } from './store-failure.ts';

/** Tasks as the upstream last showed them. The contract cannot read tasks, so reads are served from here. */
export interface TaskRecords extends RecordReads {
  /** Writes the record now. If that fails it throws, and the record is enqueued unless a retry would fail the same way. */
  write(record: NewRecord): Promise<void>;
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

/** The result of a write that succeeded, as far as it concerns the record of an account task. */
export interface NewRecord extends Acceptance {
  readonly scope: string;
  /** The sort order of lists: a time-ordered GUID. */
  readonly position: string;
  readonly id: string;
  /** Null if `detail` is. */
  readonly taskId: string | null;
  /** The task's Detail as JSON; null if the service did not show it. */
  readonly detail: string | null;
  /** The time of the answer; null if only an operator says that the task exists. */
  readonly recordedAt: string | null;
  /** True after an update, which replaces the record or, without a Detail, makes it outdated. */
  readonly isUpdate: boolean;
}

const COLUMNS = ['scope', 'position', 'id', 'task_id', 'detail', 'recorded_at'];

export function createTaskRecords({ onDropped, ...options }: TaskRecordsOptions): TaskRecords {
  const queue = createRetryQueue<NewRecord>({
    ...options,
    sizeOf: ({ detail }) => Buffer.byteLength(detail ?? ''),
    write: writeRecords,
    onDropped: (error) => onDropped(error),
  });
  return {
    write: (record) => queue.write(record),
    ...createRecordReads(options.database),
    close: () => queue.close(),
  };
}

/** Makes the record of a write that the service has just carried out. Without a `detail`, its answer does not show the task. */
export function toRecord(
  { scope, credential }: CallerIdentity,
  { ID, TaskID, detail, recordedAt = now() }: Pick<AccountTask, 'ID'> & Partial<AccountTask>,
): NewRecord {
  return {
    scope,
    position: uuidv7(),
    id: ID,
    taskId: TaskID ?? null,
    detail: detail ? JSON.stringify(detail) : null,
    recordedAt,
    isUpdate: false,
    credential: credential?.hash ?? null,
    acceptedAtMs: performance.now(),
  };
}

/** Inserts the records that do not exist yet, replaces those of updates, and lifts the refusals of the callers' credentials. */
export async function writeRecords(transaction: SqlTransaction, records: readonly NewRecord[]): Promise<void> {
  const rows = [];
  for (const record of records) {
    const { scope, position, id, taskId, detail, recordedAt, isUpdate } = record;
    const isReplaced = isUpdate && (await replaceRecord(transaction, record)) > 0;
    if (detail !== null && !isReplaced) rows.push([scope, position, id, taskId, detail, recordedAt]);
  }
  if (rows.length > 0) await transaction.insert('recorded_tasks', COLUMNS, rows, { ifAbsent: true });
  await liftRefusals(transaction, records);
}

/** A record that is written late leaves alone what a later answer has written. */
function replaceRecord(
  transaction: SqlTransaction,
  { scope, id, taskId, detail, recordedAt }: NewRecord,
): Promise<number> {
  return transaction.write(
    `UPDATE recorded_tasks SET
      detail = CASE WHEN recorded_at > ?4 THEN detail ELSE COALESCE(?3, detail) END,
      task_id = CASE WHEN recorded_at > ?4 THEN task_id ELSE COALESCE(?5, task_id) END,
      recorded_at = CASE WHEN recorded_at > ?4 THEN recorded_at WHEN ?3 IS NOT NULL THEN ?4 END
      WHERE scope = ?1 AND id = ?2`,
    [scope, id, detail, recordedAt, taskId],
  );
}

export interface RecordingOptions {
  readonly records: TaskRecords;
  readonly refusals: RefusedCredentials;
  /** Called for an answer that is not recorded yet. */
  readonly onUnrecorded: (taskId: string, error: unknown) => void;
}

/**
 * Decorates a task service: records the tasks that its writes show, and serves reads from the records while the service accepts
 * the caller. A caller that the service does not know itself updates and runs only tasks that are recorded for it.
 */
export function recordedTaskService(
  inner: TaskService,
  { records, refusals, onUnrecorded }: RecordingOptions,
): TaskService {
  const writes = decorateWrites(inner, (write) => async (input, call) => {
    try {
      return await write(input, call);
    } catch (error) {
      if (isRefusedCaller(error)) await refusals.note(toIdentity(call.caller));
      throw error;
    }
  });
  /** A record that fails does not fail its write. */
  const record = (written: NewRecord): Promise<void> =>
    records.write(written).catch((error: unknown) => onUnrecorded(written.id, error));
  const refuseUnrecorded = async (id: string, { caller }: Call): Promise<void> => {
    if (caller.kind !== 'subject') return;
    const [task] = await records.find(toIdentity(caller), [id], 1);
    if (!task) throw accountTaskNotFound(id, 'sent');
  };
  return {
    ...inner,
    ...writes,
    async create(task, call) {
      const created = await writes.create(task, call);
      const accountTask = { ...created.accountTask, recordedAt: now() };
      // The record of a write with a key is written with the result of its key.
      if (call.idempotencyKey == null) await record(toRecord(toIdentity(call.caller), accountTask));
      return { ...created, accountTask };
    },
    async update(update, call) {
      const owner = toIdentity(call.caller);
      await refuseUnrecorded(update.id, call);
      try {
        const updated = await writes.update(update, call);
        const accountTask = updated.accountTask && { ...updated.accountTask, recordedAt: now() };
        await record({ ...toRecord(owner, accountTask ?? { ID: update.id }), isUpdate: true });
        return { ...updated, accountTask };
      } catch (error) {
        if (error instanceof TaskFailure && error.outcome === 'UNKNOWN')
          await record({ ...toRecord(owner, { ID: update.id }), isUpdate: true, credential: null });
        throw error;
      }
    },
    async run(order, call) {
      await refuseUnrecorded(order.id, call);
      const started = await writes.run(order, call);
      const owner = toIdentity(call.caller);
      // It only lifts a refusal of the credential.
      if (owner.credential && call.idempotencyKey == null) await record(toRecord(owner, { ID: order.id }));
      return started;
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

function now(): string {
  return toIso(Date.now());
}

/** Returns true for a 401 of the service. */
function isRefusedCaller(error: unknown): boolean {
  return error instanceof TaskFailure && error.code === 'UNAUTHENTICATED' && error.outcome === 'REJECTED';
}
