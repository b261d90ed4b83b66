import type { WriteOperation } from '../../contract/task-service.ts';
import { readClock, type SqlReader, toIso } from '../sql/database.ts';
import { abandoned } from './attempt.ts';
import { isUnknown } from './attempt-rows.ts';

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

/** A row of `attempts`, read by `ATTEMPT_COLUMNS`. */
export type AttemptRow = Omit<AttemptReport, 'state' | 'taskId' | 'accountTaskId'> & {
  readonly leaseUntil: string;
  /** The TaskID of a create, the account task's ID of a run. */
  readonly target: string;
};

/** The column `scopes` is a list of one scope in JSON. */
const CALLER = 'CAST(scopes AS JSON) ->> 0';

/** Selects attempts. The first parameter is the time. */
export const SELECT_ATTEMPTS = `SELECT id, operation, ${CALLER} AS "caller", idempotency_key AS "idempotencyKey",
  (SELECT expires_at FROM idempotency_keys AS keys WHERE keys.scope = ${CALLER} AND attempt_id = attempts.id
    AND keys.idempotency_key = attempts.idempotency_key AND expires_at > ?1) AS "keyExpiresAt",
  request_id AS "requestId", tried_at AS "triedAt", lease_until AS "leaseUntil", task_id AS "target",
  start_date AS "startDate", finish_date AS "finishDate", parameters_sha256 AS "parametersSha256", code,
  created_id AS "createdId", settled_at AS "settledAt", settled_by AS "settledBy" FROM attempts`;

const PAGE = 500;

/** Lists the attempts, oldest first: all, or those of unknown fate. */
export async function* listAttempts(reader: SqlReader, onlyUnknown: boolean): AsyncGenerator<AttemptReport> {
  const now = toIso(await readClock(reader));
  const sql = `${SELECT_ATTEMPTS} WHERE (tried_at, id) > (?2, ?3) ${onlyUnknown ? `AND ${isUnknown('?1')}` : ''}
    ORDER BY tried_at, id LIMIT ${PAGE}`;
  let last: Pick<AttemptRow, 'triedAt' | 'id'> | undefined = { triedAt: '', id: '' };
  while (last) {
    const rows: readonly AttemptRow[] = await reader.read<AttemptRow>(sql, [now, last.triedAt, last.id]);
    for (const row of rows) yield toReport(row, now);
    last = rows[PAGE - 1];
  }
}

export function toState(
  { operation, settledAt, code, leaseUntil, createdId }: Omit<AttemptRow, 'target'>,
  now: string,
): AttemptReport['state'] {
  if (settledAt === null) return code === null && leaseUntil > now ? 'IN_PROGRESS' : 'UNKNOWN';
  const done = operation === 'RUN_ACCOUNT_TASK' ? 'RAN' : 'CREATED';
  return createdId === null ? `NOT_${done}` : done;
}

export function toReport({ leaseUntil, target, ...row }: AttemptRow, now: string): AttemptReport {
  const state = toState({ leaseUntil, ...row }, now);
  const isRun = row.operation === 'RUN_ACCOUNT_TASK';
  return {
    id: row.id,
    state,
    operation: row.operation,
    triedAt: row.triedAt,
    requestId: row.requestId,
    caller: row.caller,
    taskId: isRun ? null : target,
    accountTaskId: isRun ? target : null,
    startDate: row.startDate,
    finishDate: row.finishDate,
    parametersSha256: row.parametersSha256 || null,
    idempotencyKey: row.idempotencyKey,
    keyExpiresAt: row.keyExpiresAt,
    code: state === 'IN_PROGRESS' ? null : (row.code ?? abandoned().code),
    createdId: isRun ? null : row.createdId,
    settledAt: row.settledAt,
    settledBy: row.settledBy,
  };
}
