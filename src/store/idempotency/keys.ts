import { readClock, toIso, type SqlReader, type SqlRow, type SqlTransaction } from '../sql/database.ts';
import type { KeyedAttempt } from './attempt.ts';

/** The state of the newest attempt under a key. */
export interface KeyRow {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
  /** RUNNING until the attempt is settled; then CREATED or UNKNOWN, with the outcome. */
  readonly state: KeyState;
  readonly attemptId: string;
  /** A RUNNING attempt whose lease has expired belongs to a process that has ended. */
  readonly leaseUntil: string;
  /** Null if the attempt is not settled, or if the outcome is long: `readOutcome` then reads it. */
  readonly outcome: string | null;
}
type KeyState = 'RUNNING' | 'CREATED' | 'UNKNOWN';

export interface NewKey {
  readonly attempt: KeyedAttempt;
  readonly state: KeyState;
  readonly triedAt: string;
  readonly leaseUntil: string;
  readonly expiresAt: string;
  readonly outcome: string | null;
}

const COLUMNS = [
  'scope',
  'idempotency_key',
  'fingerprint',
  'attempt_id',
  'state',
  'operation',
  'request_id',
  'tried_at',
  'lease_until',
  'expires_at',
  'outcome',
];

/** The stored keys of a batch of attempts. */
export interface Keys {
  /** The time of the read, by the database's clock. */
  readonly nowMs: number;
  /** Returns the row of an attempt's key; undefined if the key is free. */
  readonly find: (attempt: KeyedAttempt) => KeyRow | undefined;
}

/** Hundreds of keys are read at once, so longer outcomes are read separately to bound the memory. */
const MAX_OUTCOME_BYTES = 65_536;

/** Reads the keys of the attempts, and deletes those that have expired. */
export async function readKeys(transaction: SqlTransaction, attempts: readonly KeyedAttempt[]): Promise<Keys> {
  const keys = [distinct(attempts.map(({ owner }) => owner.scope)), distinct(attempts.map(({ key }) => key))];
  const where = 'WHERE scope = ANY (?1) AND idempotency_key = ANY (?2)';
  const [nowMs, rows] = await Promise.all([
    readClock(transaction),
    transaction.read<SqlRow & KeyRow & { readonly expiresAt: string }>(
      `SELECT scope, idempotency_key AS "key", fingerprint, attempt_id AS "attemptId", state, lease_until AS "leaseUntil",
        expires_at AS "expiresAt", CASE WHEN octet_length(outcome) <= ?3 THEN outcome END AS outcome
        FROM idempotency_keys ${where}`,
      [...keys, MAX_OUTCOME_BYTES],
    ),
  ]);
  const now = toIso(nowMs);
  if (rows.some(({ expiresAt }) => expiresAt <= now)) {
    await transaction.write(`DELETE FROM idempotency_keys ${where} AND expires_at <= ?3`, [...keys, now]);
  }
  const byKey = new Map(
    rows.filter(({ expiresAt }) => expiresAt > now).map((row) => [scoped(row.scope, row.key), row] as const),
  );
  return { nowMs, find: ({ owner, key }) => byKey.get(scoped(owner.scope, key)) };
}

/** Reads the outcome of a settled attempt; null if its key has been deleted meanwhile. */
export async function readOutcome(
  reader: SqlReader,
  { scope, key, attemptId, outcome }: KeyRow,
): Promise<string | null> {
  if (outcome !== null) return outcome;
  const [row] = await reader.read<{ readonly outcome: string | null }>(
    'SELECT outcome FROM idempotency_keys WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3',
    [scope, key, attemptId],
  );
  return row?.outcome ?? null;
}

/** Inserts the keys that do not exist yet. Existing ones of other attempts stay; call `readKeys` to see which attempt has a key. */
export async function insertKeys(transaction: SqlTransaction, keys: readonly NewKey[]): Promise<void> {
  // One order for all processes prevents deadlocks.
  const ordered = keys.toSorted((a, b) => (toPlace(a) < toPlace(b) ? -1 : 1));
  const rows = ordered.map(({ attempt, state, triedAt, leaseUntil, expiresAt, outcome }) => [
    attempt.owner.scope,
    attempt.key,
    attempt.fingerprint,
    attempt.id,
    state,
    attempt.operation,
    attempt.requestId,
    triedAt,
    leaseUntil,
    expiresAt,
    outcome,
  ]);
  await transaction.insert('idempotency_keys', COLUMNS, rows, { ifAbsent: true });
}

function toPlace({ attempt: { owner, key } }: NewKey): string {
  return scoped(owner.scope, key);
}

function scoped(scope: string, key: string): string {
  return `${scope}\n${key}`;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
