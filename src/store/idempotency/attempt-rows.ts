/*
 * The attempts whose fate an operator may have to settle, in upstream mode: those under way with a key, those of unknown
 * fate with or without one, and those that were settled by hand. An attempt that ends with an answer is deleted.
 */
import { readClock, type SqlReader, type SqlTransaction, toIso } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';

export interface NewAttemptRow {
  readonly attempt: Attempt;
  readonly triedAtMs: number;
  readonly leaseUntilMs: number;
}

const COLUMNS = [
  'id',
  'operation',
  'scopes',
  'idempotency_key',
  'request_id',
  'tried_at',
  'lease_until',
  'task_id',
  'start_date',
  'finish_date',
  'parameters_sha256',
];

/** An SQL condition for the attempts of unknown fate at the time of a parameter. A lease that has ended is one of a process that has. */
export const isUnknown = (now: string): string => `settled_at IS NULL AND (code IS NOT NULL OR lease_until <= ${now})`;

/** Inserts the attempts that do not exist yet. */
export async function insertAttempts(transaction: SqlTransaction, rows: readonly NewAttemptRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map(({ attempt: { id, operation, owner, key, requestId, facts }, triedAtMs, leaseUntilMs }) => [
    id,
    operation,
    JSON.stringify([owner.scope]),
    key,
    requestId,
    toIso(triedAtMs),
    toIso(leaseUntilMs),
    facts.target,
    facts.startDate,
    facts.finishDate,
    facts.parametersSha256,
  ]);
  await transaction.insert('attempts', COLUMNS, values, { ifAbsent: true });
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
