import { v7 as uuidv7 } from 'uuid';
import type { AccountTask } from '../contract/account-task.ts';
import type { CallerIdentity } from './caller-identity.ts';
import { describeTable, type SqlTransaction, toIso } from './sql/database.ts';
import { createRetryQueue, type QueueOptions } from './idempotency/retry-queue.ts';
import { type Acceptance, liftRefusals } from './refused-credentials.ts';
import { createRecordReads } from './reading/record-reads.ts';

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

type RecordRow = Pick<NewRecord, 'scope' | 'position' | 'id' | 'taskId' | 'detail' | 'recordedAt'>;
const RECORDS = describeTable<RecordRow>('recorded_tasks', 'scope', 'position', 'id', 'taskId', 'detail', 'recordedAt');

export type TaskRecords = ReturnType<typeof createTaskRecords>;

/** Opens the tasks as the upstream last showed them. The contract cannot read tasks, so reads are served from here. */
export function createTaskRecords(options: QueueOptions<NewRecord>) {
  const { write, close } = createRetryQueue<NewRecord>({
    ...options,
    sizeOf: ({ detail }) => Buffer.byteLength(detail ?? ''),
    write: writeRecords,
  });
  return { ...createRecordReads(options.database), write, close };
}

/** Makes the record of a write that the service has just carried out. Without a `detail`, its answer does not show the task. */
export function toRecord(
  { scope, credential }: CallerIdentity,
  { ID, TaskID, detail, recordedAt = toIso(Date.now()) }: Pick<AccountTask, 'ID'> & Partial<AccountTask>,
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
    const isReplaced = record.isUpdate && (await replaceRecord(transaction, record)) > 0;
    if (record.detail !== null && !isReplaced) rows.push(record);
  }
  await RECORDS.insert(transaction, rows, { ifAbsent: true });
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
