import type { SqlRow, SqlTransaction } from './database.ts';
import type { Attempt } from './idempotency.ts';

/** What is known of the newest attempt under a key. */
export interface KeyRow {
  readonly fingerprint: string;
  /** RUNNING: the attempt has not settled. CREATED and UNKNOWN: `outcome` says how it did. */
  readonly state: KeyState;
  readonly attemptId: string;
  /** A RUNNING attempt whose lease is over belongs to a process that is gone. */
  readonly leaseUntil: string;
  readonly outcome: string | null;
}
type KeyState = 'RUNNING' | 'CREATED' | 'UNKNOWN';

export interface NewKey {
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

/** Finds the row of an attempt's key. */
export type FindKey = (attempt: Attempt) => KeyRow | undefined;

/** The keys of these attempts that are there and have not expired at `now`, an ISO instant; expired ones are removed. */
export async function readKeys(
  transaction: SqlTransaction,
  attempts: readonly Attempt[],
  now: string,
): Promise<FindKey> {
  const keys = [distinct(attempts.map(({ scope }) => scope)), distinct(attempts.map(({ key }) => key))];
  const where = 'WHERE scope = ANY (?1) AND idempotency_key = ANY (?2)';
  const rows = await transaction.read<
    SqlRow & KeyRow & { readonly scope: string; readonly key: string; readonly expiresAt: string }
  >(
    `SELECT scope, idempotency_key AS "key", fingerprint, attempt_id AS "attemptId", state, lease_until AS "leaseUntil",
      expires_at AS "expiresAt", outcome FROM idempotency_keys ${where}`,
    keys,
  );
  if (rows.some(({ expiresAt }) => expiresAt <= now)) {
    await transaction.write(`DELETE FROM idempotency_keys ${where} AND expires_at <= ?3`, [...keys, now]);
  }
  const byKey = new Map(
    rows.filter(({ expiresAt }) => expiresAt > now).map((row) => [scoped(row.scope, row.key), row] as const),
  );
  return ({ scope, key }) => byKey.get(scoped(scope, key));
}

/** Writes the keys that are not there yet; another process's attempt that came first stays, which a `readKeys` then shows. */
export async function insertKeys(transaction: SqlTransaction, keys: readonly NewKey[]): Promise<void> {
  // Two processes that insert the same keys in different orders would wait for each other.
  const ordered = keys.toSorted((a, b) =>
    scoped(a.attempt.scope, a.attempt.key) < scoped(b.attempt.scope, b.attempt.key) ? -1 : 1,
  );
  const rows = ordered.map(({ attempt: { scope, key, fingerprint, id }, state, leaseUntil, expiresAt, outcome }) => [
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

/** Removes some of what expired, everywhere, unless nothing had a moment ago. */
export type KeyPurge = (transaction: SqlTransaction, nowMs: number) => Promise<void>;

/** More than a transaction brings, so that keys go faster than they come, and few enough not to hold a create up. */
const MAX_PURGED_AT_ONCE = 512;

export function createKeyPurge(intervalMs = 60_000): KeyPurge {
  let purgedAtMs = 0;
  return async (transaction, nowMs) => {
    if (nowMs - purgedAtMs <= intervalMs) return;
    // Those that run beside this one would only wait for the same rows.
    purgedAtMs = nowMs;
    const now = new Date(nowMs).toISOString();
    await transaction.write(
      `DELETE FROM idempotency_keys WHERE (scope, idempotency_key) IN
        (SELECT scope, idempotency_key FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)`,
      [now, MAX_PURGED_AT_ONCE],
    );
    const [oldest] = await transaction.read<{ expiresAt: string | null }>(
      'SELECT MIN(expires_at) AS "expiresAt" FROM idempotency_keys',
    );
    if (oldest?.expiresAt != null && oldest.expiresAt <= now) purgedAtMs = 0;
  };
}

function scoped(scope: string, key: string): string {
  return `${scope}\n${key}`;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
