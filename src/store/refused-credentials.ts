import { TaskFailure } from '../contract/failure.ts';
import type { CallerIdentity } from './caller-identity.ts';
import { describeTable, readClock, toIso, type Database, type SqlReader, type SqlTransaction } from './sql/database.ts';
import { createRetryQueue, type QueueOptions } from './idempotency/retry-queue.ts';
import { throwReadFailure } from './store-failure.ts';

/** A credential that the service accepted. */
export interface Acceptance {
  /** Null if the service does not verify the caller. */
  readonly credential: string | null;
  /** Milliseconds of `performance.now()`. */
  readonly acceptedAtMs: number;
}

interface Refusal {
  readonly owner: CallerIdentity;
  /** Milliseconds of `performance.now()`. */
  readonly refusedAtMs: number;
}

const REFUSALS = describeTable<{
  readonly credential: string;
  readonly refusedAt: number;
  readonly expiresAt: number;
}>('refused_credentials', 'credential', 'refusedAt', 'expiresAt');
/** Without this condition, invented credentials would fill the table. */
const HAS_RECORDS_OR_KEYS = `SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM recorded_tasks WHERE scope = ?1)
  OR EXISTS (SELECT 1 FROM idempotency_keys WHERE scope = ?1 AND (state <> 'RUNNING' OR lease_until <= ?2))`;

export type RefusedCredentials = ReturnType<typeof createRefusedCredentials>;

/** Opens the list of the callers' credentials that the service has refused (401) and not accepted since. */
export function createRefusedCredentials(options: QueueOptions<Refusal>) {
  const queue = createRetryQueue<Refusal>({ ...options, write: writeRefusals });
  return {
    /** Stores a refusal if the caller has records or keys to protect. Never throws. */
    note: async (owner: CallerIdentity): Promise<void> => {
      if (owner.credential) await queue.write({ owner, refusedAtMs: performance.now() });
    },
    /** @throws TaskFailure UNAUTHENTICATED, NOT_SENT if the caller's credential is refused. */
    check: (owner: CallerIdentity): Promise<void> => checkCredential(options.database, owner),
    close: queue.close,
  };
}

/** @throws TaskFailure UNAUTHENTICATED, NOT_SENT if the caller's credential is refused. */
export async function checkCredential(database: Database, { credential }: CallerIdentity): Promise<void> {
  if (!credential) return;
  const refused = await readRefused(database, [credential.hash]).catch(throwReadFailure);
  if (refused.size > 0) throw credentialRefused();
}

/** Returns the credentials that are refused. */
export async function readRefused(reader: SqlReader, credentials: readonly string[]): Promise<ReadonlySet<string>> {
  if (credentials.length === 0) return new Set();
  const rows = await reader.read<{ credential: string }>(
    'SELECT credential FROM refused_credentials WHERE credential = ANY (?1)',
    [credentials],
  );
  return new Set(rows.map(({ credential }) => credential));
}

/** Deletes the refusals that are older than the acceptances, even if those are written late. */
export async function liftRefusals(transaction: SqlTransaction, acceptances: readonly Acceptance[]): Promise<void> {
  const credentials = new Set(acceptances.flatMap(({ credential }) => credential ?? []));
  if (credentials.size === 0) return;
  const oldestMs = Math.min(...acceptances.map(({ acceptedAtMs }) => acceptedAtMs));
  await transaction.write(
    'DELETE FROM refused_credentials WHERE credential = ANY (?1) AND refused_at <= now_ms() - ?2',
    [[...credentials], Math.floor(performance.now() - oldestMs)],
  );
}

export function credentialRefused(): TaskFailure {
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The service refused these credentials. Their tasks can be read and their idempotency keys used again once the service ' +
      'has accepted a write with them.',
  );
}

/** A refusal that is written late has the time at which it happened, so that a later acceptance lifts it. */
async function writeRefusals(transaction: SqlTransaction, refusals: readonly Refusal[]): Promise<void> {
  const nowMs = await readClock(transaction);
  const owned = await Promise.all(
    refusals.map(({ owner }) => transaction.read(HAS_RECORDS_OR_KEYS, [owner.scope, toIso(nowMs)])),
  );
  const rows = refusals.flatMap(({ owner: { credential }, refusedAtMs }, index) => {
    if (!credential || !owned[index]?.length) return [];
    const refusedAt = nowMs - Math.floor(performance.now() - refusedAtMs);
    return [{ credential: credential.hash, refusedAt, expiresAt: credential.expiresAtMs }];
  });
  // A later refusal must not be lifted by an acceptance that came between the two.
  for (const { credential, refusedAt } of rows) {
    const sql = 'UPDATE refused_credentials SET refused_at = ?2 WHERE credential = ?1 AND refused_at < ?2';
    await transaction.write(sql, [credential, refusedAt]);
  }
  await REFUSALS.insert(transaction, rows, { ifAbsent: true });
}
