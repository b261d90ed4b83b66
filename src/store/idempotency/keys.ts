import { readClock, toIso, type SqlReader, type SqlRow, type SqlTransaction } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';

/** The state of the newest attempt under a key, in one scope of its owner. */
export interface KeyRow {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
  /** RUNNING: the attempt has not settled. CREATED and UNKNOWN: its outcome says how it did. */
  readonly state: KeyState;
  readonly attemptId: string;
  /** A RUNNING attempt whose lease is over belongs to a process that is gone. */
  readonly leaseUntil: string;
  /** Null before the attempt has settled, and where the outcome is long: `readOutcome` reads that. */
  readonly outcome: string | null;
}
type KeyState = 'RUNNING' | 'CREATED' | 'UNKNOWN';

export interface NewKey {
  readonly scope: string;
  readonly attempt: Attempt;
  readonly state: KeyState;
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
  'lease_until',
  'expires_at',
  'outcome',
];

/** The keys of some attempts at one instant. */
export interface Keys {
  /** The instant, by the database's clock. */
  readonly nowMs: number;
  /** Finds the rows of an attempt's key, in the order of its owner's scopes. */
  readonly find: (attempt: Attempt) => readonly KeyRow[];
}

/** Keys are read by the hundred; a longer outcome would be in memory with all others. */
const MAX_OUTCOME_BYTES = 65_536;

/** Reads the keys of these attempts that have not expired; expired ones are removed. */
export async function readKeys(transaction: SqlTransaction, attempts: readonly Attempt[]): Promise<Keys> {
  const keys = [distinct(attempts.flatMap(({ owner }) => owner.scopes)), distinct(attempts.map(({ key }) => key))];
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
  return { nowMs, find: ({ owner, key }) => owner.scopes.flatMap((scope) => byKey.get(scoped(scope, key)) ?? []) };
}

/** Reads the outcome of a settled attempt; null where its key has expired meanwhile. */
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

/** Writes the keys that are not there yet; another process's attempt that came first stays, which a `readKeys` then shows. */
export async function insertKeys(transaction: SqlTransaction, keys: readonly NewKey[]): Promise<void> {
  // Two processes that insert the same keys in different orders would wait for each other.
  const ordered = keys.toSorted((a, b) => (scoped(a.scope, a.attempt.key) < scoped(b.scope, b.attempt.key) ? -1 : 1));
  const rows = ordered.map(({ scope, attempt: { key, fingerprint, id }, state, leaseUntil, expiresAt, outcome }) => [
    scope,
    key,
    fingerprint,
    id,
    state,
    leaseUntil,
    expiresAt,
    outcome,
  ]);
  await transaction.insert('idempotency_keys', COLUMNS, rows, { ifAbsent: true });
}

function scoped(scope: string, key: string): string {
  return `${scope}\n${key}`;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
