import type { WriteOperation } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
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
export type AttemptRow = Omit<AttemptReport, 'state' | 'caller' | 'taskId' | 'accountTaskId' | 'keyExpiresAt'> & {
  readonly scopes: string;
  readonly leaseUntil: string;
  /** The TaskID of a create, the account task's ID of a run. */
  readonly target: string;
};

export const ATTEMPT_COLUMNS = `id, operation, scopes, idempotency_key AS "idempotencyKey", request_id AS "requestId", tried_at AS "triedAt",
  lease_until AS "leaseUntil", task_id AS "target", start_date AS "startDate", finish_date AS "finishDate",
  parameters_sha256 AS "parametersSha256", code, created_id AS "createdId", settled_at AS "settledAt", settled_by AS "settledBy"`;

const PAGE = 500;

/** Lists the attempts, oldest first: all, or those of unknown fate. */
export async function* listAttempts(reader: SqlReader, onlyUnknown: boolean): AsyncGenerator<AttemptReport> {
  const now = toIso(await readClock(reader));
  const sql = `SELECT ${ATTEMPT_COLUMNS} FROM attempts WHERE (tried_at, id) > (?1, ?2) ${onlyUnknown ? `AND ${isUnknown('?3')}` : ''}
    ORDER BY tried_at, id LIMIT ${PAGE}`;
  let last: Pick<AttemptRow, 'triedAt' | 'id'> | undefined = { triedAt: '', id: '' };
  while (last) {
    const after: readonly string[] = [last.triedAt, last.id, ...(onlyUnknown ? [now] : [])];
    const rows: readonly AttemptRow[] = await reader.read<AttemptRow>(sql, after);
    yield* await toReports(reader, rows, now);
    last = rows[PAGE - 1];
  }
}

export async function toReports(
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

export function scopesOf({ scopes }: AttemptRow): CallerIdentity['scopes'] {
  return JSON.parse(scopes) as CallerIdentity['scopes'];
}

export function toState(
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
