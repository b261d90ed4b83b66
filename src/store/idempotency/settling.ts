import { readAccountTask } from '../../contract/account-task.ts';
import { badInput, TaskFailure } from '../../contract/failure.ts';
import {
  type Database,
  readClock,
  type SqlReader,
  type SqlTransaction,
  toIso,
  UnstorableDataError,
} from '../sql/database.ts';
import { toWriteFailure } from '../store-failure.ts';
import { toRecord, writeRecords } from '../task-records.ts';
import {
  type AttemptReport,
  type AttemptRow,
  isUnknown,
  readAttempts,
  type ReadAttempt,
  toReport,
  toScope,
  toState,
} from './attempt-rows.ts';
import { formatResult, writeEnd } from './keys.ts';

/** Names one attempt. A request ID does so only if the request has a single attempt to settle. */
export type AttemptName = { readonly id: string } | { readonly requestId: string };

/** The fate of a create or a run, according to the operator `by`. */
export type Verdict = { readonly by: string } & (
  | {
      /** The ID of the account task that was created; null if none was. */
      readonly createdId: string | null;
    }
  | { readonly hasRun: boolean }
);

/**
 * Settles an attempt of unknown fate. If it was carried out, its key replays what is known of it; otherwise its key is free.
 * To settle it the same way again changes nothing.
 * @throws TaskFailure BAD_USER_INPUT for an attempt that cannot be settled so; a failure of the database as for other writes.
 */
export async function settleAttempt(database: Database, name: AttemptName, verdict: Verdict): Promise<AttemptReport> {
  let id: string | null = null;
  try {
    return await database.transaction(async (transaction) => {
      const now = toIso(await readClock(transaction));
      const row = await pickAttempt(transaction, name, now);
      id = row.id;
      const doneId = toDoneId(row, verdict);
      if (row.settledAt === null) {
        if (toState(row, now) === 'IN_PROGRESS')
          throw badInput(row.id, `is still in progress, until ${row.leaseUntil} at the latest`);
        await settle(transaction, row, doneId, verdict.by, now);
      }
      // Another operator may have been first.
      const settled = await pickAttempt(transaction, { id: row.id }, now);
      return confirm(toReport(settled, now), settled.createdId === doneId);
    });
  } catch (error) {
    if (error instanceof UnstorableDataError && 'createdId' in verdict)
      throw badInput('--created', 'another attempt was settled with this task');
    const failure = toWriteFailure(error);
    throw failure instanceof TaskFailure && failure.outcome === 'UNKNOWN' ? uncertain(failure, id) : failure;
  }
}

/** Names the attempt, since the request may have another one to settle by the time that the command is repeated. */
function uncertain(cause: TaskFailure, id: string | null): TaskFailure {
  const message = `The database failed while it was settling the attempt. Settle it again with --id ${id}: the same verdict changes nothing.`;
  return new TaskFailure('STORE_FAILED', message, { cause });
}

async function pickAttempt(reader: SqlReader, name: AttemptName, now: string): Promise<ReadAttempt> {
  if ('id' in name) {
    const [row] = await readAttempts(reader, now, 'id = ?2', [name.id]);
    if (!row) throw badInput('--id', `there is no attempt ${name.id}; "creates list" shows all of them`);
    return row;
  }
  const rows = await readAttempts(reader, now, 'request_id = ?2 ORDER BY tried_at, id', [name.requestId]);
  const unsettled = rows.filter(({ settledAt }) => settledAt === null);
  const [only, ...others] = unsettled.length > 0 ? unsettled : rows;
  if (!only) throw badInput('--request', `there is no attempt of request ${name.requestId}`);
  if (others.length === 0) return only;
  const found = [only, ...others].map((row) => `${row.id} (${toState(row, now)})`);
  throw badInput('--request', `names ${found.length} attempts; choose one of them with --id: ${found.join(', ')}`);
}

/** Returns the account task that was created or run; null if nothing was. @throws TaskFailure for the other operation's verdict. */
function toDoneId({ id, operation, taskId }: AttemptRow, verdict: Verdict): string | null {
  const isRun = operation === 'RUN_ACCOUNT_TASK';
  if ('hasRun' in verdict !== isRun)
    throw badInput(id, isRun ? 'is a run: give --ran or --not-ran' : 'is a create: give --created or --not-created');
  return 'hasRun' in verdict ? (verdict.hasRun ? taskId : null) : verdict.createdId;
}

/** Returns the report if the verdict is the one that it has already. */
function confirm(report: AttemptReport, isSame: boolean): AttemptReport {
  if (isSame) return report;
  const how =
    report.state.toLowerCase().replace('_', ' ') + (report.createdId === null ? '' : ` as ${report.createdId}`);
  throw badInput(report.id, `was settled as ${how} by ${report.settledBy} at ${report.settledAt}, which stays`);
}

async function settle(
  transaction: SqlTransaction,
  row: AttemptRow,
  doneId: string | null,
  by: string,
  now: string,
): Promise<void> {
  const isCreate = row.operation === 'CREATE_ACCOUNT_TASK';
  if (isCreate && doneId !== null) await refuseRecorded(transaction, doneId);
  const changed = await transaction.write(
    `UPDATE attempts SET settled_at = ?2, settled_by = ?3, created_id = ?4 WHERE id = ?1 AND ${isUnknown('?2')}`,
    [row.id, now, by, doneId],
  );
  if (changed === 0) return;
  const scope = toScope(row);
  const accountTask = isCreate && doneId !== null ? toSettledTask(doneId, row) : null;
  if (row.idempotencyKey !== null) {
    const result = { Identification: null, Result: null, replayed: false, ...(accountTask && { accountTask }) };
    const state = doneId === null ? null : 'CREATED';
    const ofKey = { scope, idempotencyKey: row.idempotencyKey, attemptId: row.id };
    await writeEnd(transaction, ofKey, { state, outcome: formatResult(result), settledBy: by });
  }
  if (accountTask) await writeRecords(transaction, [toRecord({ scope, credential: null }, accountTask)]);
}

async function refuseRecorded(reader: SqlReader, id: string): Promise<void> {
  const [recorded] = await reader.read('SELECT id FROM recorded_tasks WHERE id = ?1 LIMIT 1', [id]);
  const [settled] = await reader.read<{ id: string }>(
    "SELECT id FROM attempts WHERE created_id = ?1 AND operation = 'CREATE_ACCOUNT_TASK'",
    [id],
  );
  if (settled) throw badInput('--created', `attempt ${settled.id} was settled with this task`);
  if (recorded) throw badInput('--created', `account task ${id} was created by another request`);
}

/** The task as far as an operator knows it. */
function toSettledTask(ID: string, { taskId, startDate, finishDate }: AttemptRow) {
  const task = readAccountTask({ ID, TaskID: taskId, StartDate: startDate, FinishDate: finishDate }, 'Detail');
  if ('at' in task) throw badInput('--created', `${task.at} ${task.problem}`);
  return task;
}
