import { type AccountTask, readAccountTask, type StartedRun } from '../../contract/account-task.ts';
import { type FailureEvidence, type FailureKind, TaskFailure } from '../../contract/failure.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';
import type { WriteOperation, WriteOutcome } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { describeTable, readClock, toIso, type SqlReader, type SqlTransaction } from '../sql/database.ts';
import { abandoned, type KeyedAttempt } from './attempt.ts';

/** The newest attempt under a key. */
export type KeyRow = {
  readonly scope: string;
  readonly idempotencyKey: string;
  /** A hash of the operation and its input. */
  readonly fingerprint: string;
  readonly attemptId: string;
  readonly operation: WriteOperation;
  readonly requestId: string;
  readonly triedAt: string;
  /** RUNNING until the attempt is settled; then CREATED or UNKNOWN, with the outcome. */
  readonly state: 'RUNNING' | 'CREATED' | 'UNKNOWN';
  /** A RUNNING attempt whose lease has expired belongs to a process that has ended: it may have been sent. */
  readonly leaseUntil: string;
  readonly expiresAt: string;
  /** The result or the failure as JSON; null if the attempt is not settled. */
  readonly outcome: string | null;
  /** The operator who settled the attempt; null if its answer did. */
  readonly settledBy: string | null;
};

/** A key as a batch of attempts reads it: without its outcome, which may have megabytes. */
export type KnownKey = Pick<KeyRow, (typeof KNOWN)[number]>;
const KNOWN = ['scope', 'idempotencyKey', 'fingerprint', 'attemptId', 'state', 'leaseUntil', 'expiresAt'] as const;
const KEYS = describeTable<KeyRow>(
  'idempotency_keys',
  ...KNOWN,
  'operation',
  'requestId',
  'triedAt',
  'outcome',
  'settledBy',
);

/**
 * Reads the keys of the attempts, and deletes those that have expired. Returns the time of the read, by the database's clock, and
 * a function that finds the key of an attempt; undefined if the key is free.
 */
export async function readKeys(transaction: SqlTransaction, attempts: readonly KeyedAttempt[]) {
  const keys = [attempts.map(({ owner }) => owner.scope), attempts.map(({ key }) => key)].map((texts) => [
    ...new Set(texts),
  ]);
  const where = 'WHERE scope = ANY (?1) AND idempotency_key = ANY (?2)';
  const [nowMs, rows] = await Promise.all([
    readClock(transaction),
    transaction.read<KnownKey>(`SELECT ${KEYS.select(KNOWN)} FROM idempotency_keys ${where}`, keys),
  ]);
  const now = toIso(nowMs);
  if (rows.some(({ expiresAt }) => expiresAt <= now)) {
    await transaction.write(`DELETE FROM idempotency_keys ${where} AND expires_at <= ?3`, [...keys, now]);
  }
  const known = rows.filter(({ expiresAt }) => expiresAt > now);
  const byPlace = new Map(known.map((row) => [toPlace(row), row]));
  const find = ({ owner, key }: KeyedAttempt) => byPlace.get(toPlace({ scope: owner.scope, idempotencyKey: key }));
  return { nowMs, find };
}

type NewKey = Pick<KeyRow, 'state' | 'triedAt' | 'leaseUntil' | 'expiresAt' | 'outcome'> & {
  readonly attempt: KeyedAttempt;
};

/** Inserts the keys that do not exist yet. Existing ones of other attempts stay; call `readKeys` to see which attempt has a key. */
export async function insertKeys(transaction: SqlTransaction, keys: readonly NewKey[]): Promise<void> {
  const rows = keys.map(({ attempt: { owner, key, fingerprint, id, operation, requestId }, ...rest }) => {
    const place = { scope: owner.scope, idempotencyKey: key };
    return { ...place, fingerprint, attemptId: id, operation, requestId, ...rest, settledBy: null };
  });
  // One order for all processes prevents deadlocks.
  const ordered = rows.toSorted((a, b) => (toPlace(a) < toPlace(b) ? -1 : 1));
  await KEYS.insert(transaction, ordered, { ifAbsent: true });
}

/** Reads how the attempt of a key ended; null if it has not, or if its key has been deleted meanwhile. */
export async function readEnd(
  reader: SqlReader,
  { scope, idempotencyKey, attemptId }: KnownKey,
): Promise<KeyedResult | TaskFailure | null> {
  const [row] = await reader.read<Pick<KeyRow, 'state' | 'outcome'>>(
    'SELECT state, outcome FROM idempotency_keys WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3',
    [scope, idempotencyKey, attemptId],
  );
  return row ? toEnd(row) : null;
}

function toEnd({ state, outcome }: Pick<KeyRow, 'state' | 'outcome'>): KeyedResult | TaskFailure | null {
  if (state === 'RUNNING' || outcome === null) return null;
  return state === 'CREATED' ? parseReplay(outcome) : parseFailure(outcome);
}

/** Writes how the attempt of a key ended, or deletes the key if nothing was done. Leaves alone what an operator has settled. */
export function writeEnd(
  transaction: SqlTransaction,
  { scope, idempotencyKey, attemptId }: Pick<KeyRow, 'scope' | 'idempotencyKey' | 'attemptId'>,
  end: Pick<KeyRow, 'outcome' | 'settledBy'> & { readonly state: 'CREATED' | 'UNKNOWN' | null },
): Promise<number> {
  const where = 'WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3 AND settled_by IS NULL';
  const ofKey = [scope, idempotencyKey, attemptId];
  if (end.state === null) return transaction.write(`DELETE FROM idempotency_keys ${where}`, ofKey);
  return transaction.write(`UPDATE idempotency_keys SET state = ?4, outcome = ?5, settled_by = ?6 ${where}`, [
    ...ofKey,
    end.state,
    end.outcome,
    end.settledBy,
  ]);
}

/** Reads what became of the owner's latest write with a key; null if the key is free. */
export async function readWriteOutcome(
  reader: SqlReader,
  { scope }: CallerIdentity,
  key: string,
): Promise<WriteOutcome | null> {
  const [row] = await reader.read<KeyRow & { readonly nowMs: number }>(
    `SELECT ${KEYS.select()}, now_ms() AS "nowMs" FROM idempotency_keys WHERE scope = ?1 AND idempotency_key = ?2`,
    [scope, key],
  );
  if (!row || row.expiresAt <= toIso(row.nowMs)) return null;
  const { operation, requestId, triedAt: firstTriedAt, expiresAt, settledBy } = row;
  const facts = { operation, requestId, firstTriedAt, expiresAt, settledBy };
  const end = toEnd(row) ?? (isAbandoned(row, toIso(row.nowMs)) ? abandoned() : null);
  if (end === null) return { state: 'IN_PROGRESS', accountTask: null, failure: null, ...facts };
  if (end instanceof TaskFailure) return { state: 'UNKNOWN', accountTask: null, failure: end, ...facts };
  return { state: 'SUCCEEDED', accountTask: end.accountTask ?? null, failure: null, ...facts };
}

export function isAbandoned({ state, leaseUntil }: Pick<KeyRow, 'state' | 'leaseUntil'>, now: string): boolean {
  return state === 'RUNNING' && leaseUntil <= now;
}

function toPlace({ scope, idempotencyKey }: Pick<KeyRow, 'scope' | 'idempotencyKey'>): string {
  return `${scope}\n${idempotencyKey}`;
}

/** The result of a write with an idempotency key. */
export interface KeyedResult extends StartedRun {
  /** The task that a create returned; absent for a run. */
  readonly accountTask?: AccountTask;
}

/** Formats a result as JSON that preserves the digits of its numbers. */
export function formatResult({ accountTask, Identification, Result }: KeyedResult): string {
  const { detail: Detail, recordedAt } = accountTask ?? {};
  return JSON.stringify({ Identification, Result, Detail, recordedAt });
}

/** Parses the result of `formatResult`, as a replay. */
function parseReplay(text: string): KeyedResult {
  type Stored = StartedRun & { readonly Detail?: JsonObject; readonly recordedAt?: string | null };
  const stored = parseJsonKeepingDigits(text) as unknown as Stored;
  // Older results do not say when the task was shown.
  const { Identification, Result, Detail, recordedAt = null } = stored;
  const result = { Identification, Result, replayed: true };
  if (Detail === undefined) return result;
  const accountTask = readAccountTask(Detail, 'Detail');
  if ('at' in accountTask) throw new Error(`A stored result cannot be read: ${accountTask.at} ${accountTask.problem}`);
  return { accountTask: { ...accountTask, recordedAt }, ...result };
}

/** Formats a failure of unknown fate as JSON. */
export function formatFailure({ code, message, errorCode, errorReason }: TaskFailure): string {
  return JSON.stringify({ code, message, errorCode, errorReason });
}

/** Parses the result of `formatFailure`. */
function parseFailure(text: string): TaskFailure {
  type UnknownFate = Extract<FailureKind, { readonly outcome: 'UNKNOWN' }>['code'];
  const { code, message, ...evidence } = JSON.parse(text) as FailureEvidence & { code: UnknownFate; message: string };
  return new TaskFailure({ code, outcome: 'UNKNOWN' }, message, evidence);
}
