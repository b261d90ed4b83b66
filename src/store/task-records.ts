import { v7 as uuidv7 } from 'uuid';
import { type AccountTask, readAccountTask } from '../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../contract/json-value.ts';
import type { CallerIdentity } from './caller-identity.ts';
import { createRetryQueue, type QueueOptions } from './idempotency/retry-queue.ts';
import { type Acceptance, liftRefusals } from './refused-credentials.ts';
import { type Database, describeTable, type SqlReader, type SqlTransaction, toIso } from './sql/database.ts';
import { createTaskReads, type Cursors } from './task-reads.ts';

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

/** Creates the reads of the tasks that the upstream created, from their records. */
export function createRecordReads(database: Database) {
  return createTaskReads(database, {
    table: 'recorded_tasks',
    columns: RECORDS.select(['detail', 'recordedAt']),
    text: 'detail',
    key: 'position',
    scope: 'scope = ?1',
    toParameters: ({ scope }: CallerIdentity) => [scope],
    toTask,
    indexed: ['taskIds'],
    // If PostgreSQL knew the scope and that it has many records, it would look for them in the index of all scopes by position.
    toList: (_filter, range) => ({ ...range, scope: 'scope = (SELECT CAST(?1 AS TEXT))' }),
    toKeys: toPositions,
  });
}

/** Converts the IDs of cursors to positions. A record that is gone was older than all that are left. */
async function toPositions(
  reader: SqlReader,
  { scope }: CallerIdentity,
  { after = null, before = null }: Cursors,
): Promise<Cursors> {
  if (after === null && before === null) return {};
  const rows = await reader.read<Pick<RecordRow, 'id' | 'position'>>(
    'SELECT id, position FROM recorded_tasks WHERE scope = ?1 AND id = ANY (?2)',
    [scope, [after ?? '', before ?? '']],
  );
  const positions = new Map(rows.map(({ id, position }) => [id, position]));
  const toPosition = (id: string | null) => (id === null ? null : (positions.get(id) ?? ''));
  return { after: toPosition(after), before: toPosition(before) };
}

function toTask({ detail, recordedAt }: Pick<RecordRow, 'detail' | 'recordedAt'>): AccountTask {
  const task = readAccountTask(parseJsonKeepingDigits(detail ?? '') as JsonObject, 'Detail');
  if ('at' in task) throw new Error(`A recorded task cannot be read: ${task.at} ${task.problem}`);
  return { ...task, recordedAt };
}
