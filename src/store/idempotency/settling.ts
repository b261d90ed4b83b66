import { readAccountTask } from '../../contract/account-task.ts';
import { badInput, TaskFailure } from '../../contract/failure.ts';
import type { WriteOperation } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
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
import { abandoned } from './attempt.ts';
import { isUnknown } from './attempt-rows.ts';
import { formatResult } from './outcome-json.ts';

/** An attempt as operators see it. */
export type AttemptReport = {
  readonly id: string;
  readonly operation: WriteOperation;
  readonly state: 'IN_PROGRESS' | 'UNKNOWN' | 'CREATED' | 'NOT_CREATED' | 'RAN' | 'NOT_RAN';
  readonly triedAt: string;
  readonly requestId: string;
  /** The owner of the key: the hash of a subject or a credential, or an account and its client. */
  readonly caller: string;
  /** The TaskID of a create. */
  readonly taskId: string | null;
  /** The account task of a run. */
  readonly accountTaskId: string | null;
  readonly startDate: string | null;
  readonly finishDate: string | null;
  /** Of a create, in hexadecimal digits, as sha256sum prints it. */
  readonly parametersSha256: string | null;
  /** Null for a write without a key. */
  readonly idempotencyKey: string | null;
  /** When the key is new again; null without a key, or if it is new already. */
  readonly keyExpiresAt: string | null;
  /** The code of the failure; null while the attempt is under way. */
  readonly code: string | null;
  /** The ID of the account task that it created, according to an operator. */
  readonly createdId: string | null;
  readonly settledAt: string | null;
  readonly settledBy: string | null;
};

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

type AttemptRow = Omit<AttemptReport, 'state' | 'caller' | 'taskId' | 'accountTaskId' | 'keyExpiresAt'> & {
  readonly scopes: string;
  readonly leaseUntil: string;
  /** The TaskID of a create, the account task's ID of a run. */
  readonly target: string;
};

const COLUMNS = `id, operation, scopes, idempotency_key AS "idempotencyKey", request_id AS "requestId", tried_at AS "triedAt",
  lease_until AS "leaseUntil", task_id AS "target", start_date AS "startDate", finish_date AS "finishDate",
  parameters_sha256 AS "parametersSha256", code, created_id AS "createdId", settled_at AS "settledAt", settled_by AS "settledBy"`;

const PAGE = 500;

/** Lists the attempts, oldest first: all, or those of unknown fate. */
export async function* listAttempts(reader: SqlReader, onlyUnknown: boolean): AsyncGenerator<AttemptReport> {
  const now = toIso(await readClock(reader));
  const sql = `SELECT ${COLUMNS} FROM attempts WHERE (tried_at, id) > (?1, ?2) ${onlyUnknown ? `AND ${isUnknown('?3')}` : ''}
    ORDER BY tried_at, id LIMIT ${PAGE}`;
  let last: Pick<AttemptRow, 'triedAt' | 'id'> | undefined = { triedAt: '', id: '' };
  while (last) {
    const after: readonly string[] = [last.triedAt, last.id, ...(onlyUnknown ? [now] : [])];
    const rows: readonly AttemptRow[] = await reader.read<AttemptRow>(sql, after);
    yield* await toReports(reader, rows, now);
    last = rows[PAGE - 1];
  }
}

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
      const [report] = await toReports(transaction, [settled], now);
      return confirm(report as AttemptReport, settled.createdId === doneId);
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
  const found = [only, ...others].map((row) => `${row.id} (${toState(row, now)})`);
  throw badInput('--request', `names ${found.length} attempts; choose one of them with --id: ${found.join(', ')}`);
}

/** Returns the account task that was created or run; null if nothing was. @throws TaskFailure for the other operation's verdict. */
function toDoneId({ id, operation, target }: AttemptRow, verdict: Verdict): string | null {
  const isRun = operation === 'RUN_ACCOUNT_TASK';
  if ('hasRun' in verdict !== isRun)
    throw badInput(id, isRun ? 'is a run: give --ran or --not-ran' : 'is a create: give --created or --not-created');
  return 'hasRun' in verdict ? (verdict.hasRun ? target : null) : verdict.createdId;
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
  const scopes = scopesOf(row);
  const where = 'WHERE scope = ANY (?1) AND idempotency_key = ?2 AND attempt_id = ?3';
  const ofKey = [scopes, row.idempotencyKey, row.id] as const;
  if (doneId === null) {
    if (row.idempotencyKey !== null) await transaction.write(`DELETE FROM idempotency_keys ${where}`, ofKey);
    return;
  }
  const accountTask = isCreate ? toSettledTask(doneId, row) : null;
  if (row.idempotencyKey !== null) {
    const result = { Identification: null, Result: null, replayed: false };
    const outcome = formatResult(accountTask ? { accountTask, ...result } : result);
    await transaction.write(`UPDATE idempotency_keys SET state = 'CREATED', outcome = ?4, settled_by = ?5 ${where}`, [
      ...ofKey,
      outcome,
      by,
    ]);
  }
  if (accountTask) await writeRecords(transaction, [toRecord({ scopes, credential: null }, accountTask)]);
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
function toSettledTask(ID: string, { target, startDate, finishDate }: AttemptRow) {
  const task = readAccountTask({ ID, TaskID: target, StartDate: startDate, FinishDate: finishDate }, 'Detail');
  if ('at' in task) throw badInput('--created', `${task.at} ${task.problem}`);
  return task;
}

async function toReports(
  reader: SqlReader,
  rows: readonly AttemptRow[],
  now: string,
): Promise<readonly AttemptReport[]> {
  const keys = rows.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
  const scopes = rows.flatMap((row) => scopesOf(row));
  const known = await reader.read<{ readonly attemptId: string; readonly expiresAt: string }>(
    `SELECT attempt_id AS "attemptId", expires_at AS "expiresAt" FROM idempotency_keys
      WHERE scope = ANY (?1) AND idempotency_key = ANY (?2) AND expires_at > ?3`,
    [[...new Set(scopes)], [...new Set(keys)], now],
  );
  const expiries = new Map(known.map(({ attemptId, expiresAt }) => [attemptId, expiresAt]));
  return rows.map((row) => toReport(row, now, expiries.get(row.id) ?? null));
}

function scopesOf({ scopes }: AttemptRow): CallerIdentity['scopes'] {
  return JSON.parse(scopes) as CallerIdentity['scopes'];
}

function toState(
  { operation, settledAt, code, leaseUntil, createdId }: AttemptRow,
  now: string,
): AttemptReport['state'] {
  if (settledAt === null) return code === null && leaseUntil > now ? 'IN_PROGRESS' : 'UNKNOWN';
  const done = operation === 'RUN_ACCOUNT_TASK' ? 'RAN' : 'CREATED';
  return createdId === null ? `NOT_${done}` : done;
}

function toReport(row: AttemptRow, now: string, keyExpiresAt: string | null): AttemptReport {
  const state = toState(row, now);
  const isRun = row.operation === 'RUN_ACCOUNT_TASK';
  return {
    id: row.id,
    state,
    operation: row.operation,
    triedAt: row.triedAt,
    requestId: row.requestId,
    caller: scopesOf(row)[0],
    taskId: isRun ? null : row.target,
    accountTaskId: isRun ? row.target : null,
    startDate: row.startDate,
    finishDate: row.finishDate,
    parametersSha256: row.parametersSha256 || null,
    idempotencyKey: row.idempotencyKey,
    keyExpiresAt,
    code: state === 'IN_PROGRESS' ? null : (row.code ?? abandoned().code),
    createdId: isRun ? null : row.createdId,
    settledAt: row.settledAt,
    settledBy: row.settledBy,
  };
}
