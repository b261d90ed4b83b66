/*
 * The attempts whose fate an operator may have to settle, in upstream mode: those under way with a key, those of unknown
 * fate with or without one, and those that were settled by hand. An attempt that ends with an answer is deleted.
 */
import type { WriteOperation } from '../../contract/task-service.ts';
import { describeTable, readClock, type SqlReader, type SqlTransaction, toIso } from '../sql/database.ts';
import { abandoned, type Attempt, type AttemptFacts } from './attempt.ts';

/** A row of `attempts`. */
export type AttemptRow = AttemptFacts & {
  readonly id: string;
  readonly operation: WriteOperation;
  /** A list of one scope in JSON. */
  readonly scopes: string;
  /** Null for a write without a key. */
  readonly idempotencyKey: string | null;
  readonly requestId: string;
  readonly triedAt: string;
  readonly leaseUntil: string;
  /** The code of the failure; null while the attempt is under way. */
  readonly code: string | null;
  readonly settledAt: string | null;
  readonly settledBy: string | null;
  /** The ID of the account task that was created or run, according to an operator. */
  readonly createdId: string | null;
};

// biome-ignore format: the columns in their order
const ATTEMPTS = describeTable<AttemptRow>(
  'attempts', 'id', 'operation', 'scopes', 'idempotencyKey', 'requestId', 'triedAt', 'leaseUntil', 'taskId', 'startDate',
  'finishDate', 'parametersSha256', 'code', 'settledAt', 'settledBy', 'createdId',
);

/** An SQL condition for the attempts of unknown fate at the time of a parameter. A lease that has ended is one of a process that has. */
export const isUnknown = (now: string): string => `settled_at IS NULL AND (code IS NOT NULL OR lease_until <= ${now})`;

type NewAttempt = Pick<AttemptRow, 'triedAt' | 'leaseUntil'> & { readonly attempt: Attempt };

/** Inserts the attempts that do not exist yet. */
export async function insertAttempts(transaction: SqlTransaction, attempts: readonly NewAttempt[]): Promise<void> {
  const unsettled = { code: null, settledAt: null, settledBy: null, createdId: null };
  const rows = attempts.map(({ attempt: { id, operation, owner, key, requestId, facts }, ...times }) => {
    const scopes = JSON.stringify([owner.scope]);
    return { id, operation, scopes, idempotencyKey: key, requestId, ...times, ...facts, ...unsettled };
  });
  await ATTEMPTS.insert(transaction, rows, { ifAbsent: true });
}

/** Writes that the fate of an attempt is unknown, unless an operator has settled it. */
export function markUnknown(transaction: SqlTransaction, id: string, code: string): Promise<number> {
  return transaction.write('UPDATE attempts SET code = ?2 WHERE id = ?1 AND settled_at IS NULL', [id, code]);
}

/** Deletes attempts whose fate is known. Returns those that an operator has settled before, which stay. */
export async function deleteAttempts(
  transaction: SqlTransaction,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const deleted = await transaction.write('DELETE FROM attempts WHERE id = ANY (?1) AND settled_at IS NULL', [ids]);
  if (deleted === ids.length) return new Set();
  const settled = await transaction.read<{ id: string }>(
    // A claim whose commit was uncertain may have become visible meanwhile; it is not settled.
    'SELECT id FROM attempts WHERE id = ANY (?1) AND settled_at IS NOT NULL',
    [ids],
  );
  return new Set(settled.map(({ id }) => id));
}

/** Counts the attempts of unknown fate. */
export async function countUnknown(reader: SqlReader): Promise<number> {
  const sql = `SELECT COUNT(*) AS count FROM attempts WHERE ${isUnknown('?1')}`;
  const [row] = await reader.read<{ count: number }>(sql, [toIso(await readClock(reader))]);
  return row?.count ?? 0;
}

/** A row as operators read it, with the expiry of its key; null without a key, or if the key is new again. */
export type ReadAttempt = AttemptRow & { readonly keyExpiresAt: string | null };

/** Reads the attempts of a condition, whose parameters begin with ?2; ?1 is the time. */
export function readAttempts(
  reader: SqlReader,
  now: string,
  condition: string,
  parameters: readonly string[],
): Promise<readonly ReadAttempt[]> {
  return reader.read<ReadAttempt>(
    `SELECT ${ATTEMPTS.select()}, (SELECT expires_at FROM idempotency_keys AS keys
      WHERE keys.scope = CAST(scopes AS JSON) ->> 0 AND keys.idempotency_key = attempts.idempotency_key
        AND attempt_id = attempts.id AND expires_at > ?1) AS "keyExpiresAt"
      FROM attempts WHERE ${condition}`,
    [now, ...parameters],
  );
}

const PAGE = 500;

/** Lists the attempts, oldest first: all, or those of unknown fate. */
export async function* listAttempts(reader: SqlReader, onlyUnknown: boolean): AsyncGenerator<AttemptReport> {
  const now = toIso(await readClock(reader));
  const condition = `(tried_at, id) > (?2, ?3) ${onlyUnknown ? `AND ${isUnknown('?1')}` : ''}
    ORDER BY tried_at, id LIMIT ${PAGE}`;
  let last: Pick<AttemptRow, 'triedAt' | 'id'> | undefined = { triedAt: '', id: '' };
  while (last) {
    const rows: readonly ReadAttempt[] = await readAttempts(reader, now, condition, [last.triedAt, last.id]);
    for (const row of rows) yield toReport(row, now);
    last = rows[PAGE - 1];
  }
}

export function toState({ operation, settledAt, code, leaseUntil, createdId }: AttemptRow, now: string) {
  if (settledAt === null) return code === null && leaseUntil > now ? 'IN_PROGRESS' : 'UNKNOWN';
  const done = operation === 'RUN_ACCOUNT_TASK' ? 'RAN' : 'CREATED';
  return createdId === null ? (`NOT_${done}` as const) : done;
}

export type AttemptReport = ReturnType<typeof toReport>;

/** Converts an attempt to what operators see. */
export function toReport(row: ReadAttempt, now: string) {
  const state = toState(row, now);
  const isRun = row.operation === 'RUN_ACCOUNT_TASK';
  return {
    id: row.id,
    state,
    operation: row.operation,
    triedAt: row.triedAt,
    requestId: row.requestId,
    /** The owner of the key: the hash of a subject or a credential, or an account and its client. */
    caller: toScope(row),
    taskId: isRun ? null : row.taskId,
    accountTaskId: isRun ? row.taskId : null,
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

export function toScope({ scopes }: AttemptRow): string {
  return (JSON.parse(scopes) as [string])[0];
}
