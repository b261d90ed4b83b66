import type { WriteOperation, WriteOutcome } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { type SqlReader, toIso } from '../sql/database.ts';
import { abandoned } from './attempt.ts';
import { parseFailure, parseReplay } from './outcome-json.ts';

/** A key with what its caller may know. Rows of older versions have neither an operation nor a request nor a time. */
type OutcomeRow = {
  readonly scope: string;
  readonly state: 'RUNNING' | 'CREATED' | 'UNKNOWN';
  readonly leaseUntil: string;
  readonly expiresAt: string;
  readonly outcome: string | null;
  readonly operation: WriteOperation | null;
  readonly requestId: string | null;
  readonly triedAt: string | null;
  readonly settledBy: string | null;
  readonly nowMs: number;
};

const SELECT = `SELECT scope, state, lease_until AS "leaseUntil", expires_at AS "expiresAt", outcome, operation,
  request_id AS "requestId", tried_at AS "triedAt", settled_by AS "settledBy", now_ms() AS "nowMs"
  FROM idempotency_keys WHERE scope = ANY (?1) AND idempotency_key = ?2`;

/** Reads what became of the owner's latest write with a key; null if the key is free. */
export async function readWriteOutcome(
  reader: SqlReader,
  { scopes }: CallerIdentity,
  key: string,
  expiryMs: number,
): Promise<WriteOutcome | null> {
  const rows = await reader.read<OutcomeRow>(SELECT, [scopes, key]);
  const known = rows.filter(({ expiresAt, nowMs }) => expiresAt > toIso(nowMs));
  // As for a claim, a key of version 0.1 counts before one of the subject.
  const row = scopes.flatMap((scope) => known.find((other) => other.scope === scope) ?? []).at(-1);
  if (!row) return null;
  const { operation, requestId, triedAt, settledBy, expiresAt } = row;
  return {
    ...toState(row),
    operation: operation ?? 'CREATE_ACCOUNT_TASK',
    firstTriedAt: triedAt ?? toIso(Date.parse(expiresAt) - expiryMs),
    expiresAt,
    requestId: requestId ?? 'unknown',
    settledBy,
  };
}

function toState({
  state,
  leaseUntil,
  outcome,
  nowMs,
}: OutcomeRow): Pick<WriteOutcome, 'state' | 'accountTask' | 'failure'> {
  if (state === 'CREATED') {
    return { state: 'SUCCEEDED', accountTask: parseReplay(outcome ?? '').accountTask ?? null, failure: null };
  }
  if (state === 'RUNNING' && leaseUntil > toIso(nowMs))
    return { state: 'IN_PROGRESS', accountTask: null, failure: null };
  const failure = outcome === null ? abandoned() : parseFailure(outcome);
  return { state: 'UNKNOWN', accountTask: null, failure };
}
