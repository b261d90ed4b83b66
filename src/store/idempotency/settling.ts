import { readAccountTask } from '../../contract/account-task.ts';
import { badInput, TaskFailure } from '../../contract/failure.ts';
import type { WriteOperation } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { type Database, readClock, type SqlReader, type SqlTransaction, toIso } from '../sql/database.ts';
import { toWriteFailure } from '../store-failure.ts';
import { toRecord, writeRecords } from '../task-records.ts';
import { abandoned } from './attempt.ts';
import { isUnknown } from './attempt-rows.ts';
import { formatCreated } from './outcome-json.ts';

/** An attempt as operators see it. */
export type AttemptReport = {
  readonly id: string;
  readonly operation: WriteOperation;
  readonly state: 'IN_PROGRESS' | 'UNKNOWN' | 'CREATED' | 'NOT_CREATED';
  readonly triedAt: string;
  readonly requestId: string;
  readonly taskId: string;
  readonly startDate: string | null;
  readonly finishDate: string | null;
  /** In hexadecimal digits, as sha256sum prints it. */
  readonly parametersSha256: string;
  /** Null for a create without a key. */
  readonly idempotencyKey: string | null;
  /** The code of the failure; null while the attempt is under way. */
  readonly code: string | null;
  /** The ID of the account task that it created, according to an operator. */
  readonly createdId: string | null;
  readonly settledAt: string | null;
  readonly settledBy: string | null;
};

/** Names one attempt. A request ID does so only if the request has a single attempt to settle. */
export type AttemptName = { readonly id: string } | { readonly requestId: string };

export interface Verdict {
  /** The ID of the account task that was created; null if none was. */
  readonly createdId: string | null;
  /** The operator. */
  readonly by: string;
}

type AttemptRow = Omit<AttemptReport, 'state'> & { readonly scopes: string; readonly leaseUntil: string };

const COLUMNS = `id, operation, scopes, idempotency_key AS "idempotencyKey", request_id AS "requestId", tried_at AS "triedAt",
  lease_until AS "leaseUntil", task_id AS "taskId", start_date AS "startDate", finish_date AS "finishDate",
  parameters_sha256 AS "parametersSha256", code, created_id AS "createdId", settled_at AS "settledAt", settled_by AS "settledBy"`;

/** Lists the attempts, oldest first: all, or those of unknown fate. */
export async function listAttempts(reader: SqlReader, onlyUnknown: boolean): Promise<readonly AttemptReport[]> {
  const now = toIso(await readClock(reader));
  const sql = (where: string): string => `SELECT ${COLUMNS} FROM attempts ${where} ORDER BY tried_at, id`;
  const rows = onlyUnknown
    ? await reader.read<AttemptRow>(sql(`WHERE ${isUnknown('?1')}`), [now])
    : await reader.read<AttemptRow>(sql(''));
  return rows.map((row) => toReport(row, now));
}

/**
 * Settles an attempt of unknown fate. If it created a task, its key replays that task from now on; otherwise its key is free.
 * To settle it the same way again changes nothing.
 * @throws TaskFailure BAD_USER_INPUT for an attempt that cannot be settled so; a failure of the database as for other writes.
 */
export async function settleAttempt(database: Database, name: AttemptName, verdict: Verdict): Promise<AttemptReport> {
  let id: string | null = null;
  try {
    return await database.transaction(async (transaction) => {
      // Two operators may settle two attempts with one task.
      await transaction.exclusive();
      const now = toIso(await readClock(transaction));
      const row = await pickAttempt(transaction, name, now);
      id = row.id;
      if (row.settledAt !== null) return confirm(toReport(row, now), verdict);
      if (toReport(row, now).state === 'IN_PROGRESS')
        throw badInput(row.id, `is still in progress, until ${row.leaseUntil} at the latest`);
      await settle(transaction, row, verdict, now);
      return toReport({ ...row, createdId: verdict.createdId, settledAt: now, settledBy: verdict.by }, now);
    });
  } catch (error) {
    const failure = toWriteFailure(error);
    throw failure instanceof TaskFailure && failure.outcome === 'UNKNOWN' ? uncertain(failure, id) : failure;
  }
}

/** Names the attempt, since the request may have another one to settle by the time that the command is repeated. */
function uncertain(cause: TaskFailure, id: string | null): TaskFailure {
  const message = `The database failed while it was settling the attempt. Settle it again with --id ${id}: the same verdict changes nothing.`;
  return new TaskFailure({ code: 'STORE_FAILED', outcome: 'UNKNOWN' }, message, { cause });
}

async function pickAttempt(reader: SqlReader, name: AttemptName, now: string): Promise<AttemptRow> {
  if ('id' in name) {
    const [row] = await reader.read<AttemptRow>(`SELECT ${COLUMNS} FROM attempts WHERE id = ?1`, [name.id]);
    if (!row) throw badInput('--id', `there is no attempt ${name.id}; "creates list" shows all of them`);
    return row;
  }
  const rows = await reader.read<AttemptRow>(
    `SELECT ${COLUMNS} FROM attempts WHERE request_id = ?1 ORDER BY tried_at, id`,
    [name.requestId],
  );
  const unsettled = rows.filter(({ settledAt }) => settledAt === null);
  const [only, ...others] = unsettled.length > 0 ? unsettled : rows;
  if (!only) throw badInput('--request', `there is no attempt of request ${name.requestId}`);
  if (others.length === 0) return only;
  const found = [only, ...others].map((row) => `${row.id} (${toReport(row, now).state})`);
  throw badInput('--request', `names ${found.length} attempts; choose one of them with --id: ${found.join(', ')}`);
}

/** Returns the report if the verdict is the one that it has already. */
function confirm(report: AttemptReport, { createdId }: Verdict): AttemptReport {
  if (report.createdId === createdId) return report;
  const how = report.createdId === null ? 'not created' : `created as ${report.createdId}`;
  throw badInput(report.id, `was settled as ${how} by ${report.settledBy} at ${report.settledAt}, which stays`);
}

async function settle(
  transaction: SqlTransaction,
  row: AttemptRow,
  { createdId, by }: Verdict,
  now: string,
): Promise<void> {
  if (createdId !== null) await refuseRecorded(transaction, createdId);
  const changed = await transaction.write(
    `UPDATE attempts SET settled_at = ?2, settled_by = ?3, created_id = ?4 WHERE id = ?1 AND ${isUnknown('?2')}`,
    [row.id, now, by, createdId],
  );
  if (changed === 0) throw badInput(row.id, 'was answered or settled at this moment; look at it again');
  const scopes = JSON.parse(row.scopes) as CallerIdentity['scopes'];
  const where = 'WHERE scope = ANY (?1) AND idempotency_key = ?2 AND attempt_id = ?3';
  const ofKey = [scopes, row.idempotencyKey, row.id] as const;
  if (createdId === null) {
    if (row.idempotencyKey !== null) await transaction.write(`DELETE FROM idempotency_keys ${where}`, ofKey);
    return;
  }
  const accountTask = toSettledTask(createdId, row);
  if (row.idempotencyKey !== null) {
    const outcome = formatCreated({ accountTask, Identification: null, Result: null, replayed: false });
    await transaction.write(`UPDATE idempotency_keys SET state = 'CREATED', outcome = ?4, settled_by = ?5 ${where}`, [
      ...ofKey,
      outcome,
      by,
    ]);
  }
  await writeRecords(transaction, [toRecord({ scopes, credential: null }, accountTask)]);
}

async function refuseRecorded(reader: SqlReader, id: string): Promise<void> {
  const [recorded] = await reader.read('SELECT id FROM recorded_tasks WHERE id = ?1 LIMIT 1', [id]);
  const [settled] = await reader.read<{ id: string }>('SELECT id FROM attempts WHERE created_id = ?1', [id]);
  if (settled) throw badInput('--created', `attempt ${settled.id} was settled with this task`);
  if (recorded) throw badInput('--created', `account task ${id} was created by another request`);
}

/** The task as far as an operator knows it. */
function toSettledTask(ID: string, { taskId, startDate, finishDate }: AttemptRow) {
  const task = readAccountTask({ ID, TaskID: taskId, StartDate: startDate, FinishDate: finishDate }, 'Detail');
  if ('at' in task) throw badInput('--created', `${task.at} ${task.problem}`);
  return task;
}

function toReport(row: AttemptRow, now: string): AttemptReport {
  const isRunning = row.settledAt === null && row.code === null && row.leaseUntil > now;
  const settledAs = row.createdId === null ? 'NOT_CREATED' : 'CREATED';
  const known = row.settledAt === null ? 'UNKNOWN' : settledAs;
  return {
    id: row.id,
    state: isRunning ? 'IN_PROGRESS' : known,
    operation: row.operation,
    triedAt: row.triedAt,
    requestId: row.requestId,
    taskId: row.taskId,
    startDate: row.startDate,
    finishDate: row.finishDate,
    parametersSha256: row.parametersSha256,
    idempotencyKey: row.idempotencyKey,
    code: isRunning ? null : (row.code ?? abandoned().code),
    createdId: row.createdId,
    settledAt: row.settledAt,
    settledBy: row.settledBy,
  };
}
