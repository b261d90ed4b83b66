import type { WriteOperation, WriteOutcome } from '../../contract/task-service.ts';
import type { CallerIdentity } from '../caller-identity.ts';
import { type SqlReader, toIso } from '../sql/database.ts';
import { abandoned } from './attempt.ts';
import { parseFailure, parseReplay } from './outcome-json.ts';

/** A key with what its caller may know. */
type OutcomeRow = {
  readonly state: 'RUNNING' | 'CREATED' | 'UNKNOWN';
  readonly leaseUntil: string;
  readonly expiresAt: string;
  readonly outcome: string | null;
  readonly operation: WriteOperation;
  readonly requestId: string;
  readonly triedAt: string;
  readonly settledBy: string | null;
  readonly nowMs: number;
};

const SELECT = `SELECT state, lease_until AS "leaseUntil", expires_at AS "expiresAt", outcome, operation,
  request_id AS "requestId", tried_at AS "triedAt", settled_by AS "settledBy", now_ms() AS "nowMs"
  FROM idempotency_keys WHERE scope = ?1 AND idempotency_key = ?2`;

/** Reads what became of the owner's latest write with a key; null if the key is free. */
export async function readWriteOutcome(
  reader: SqlReader,
  { scope }: CallerIdentity,
  key: string,
): Promise<WriteOutcome | null> {
  const [row] = await reader.read<OutcomeRow>(SELECT, [scope, key]);
  if (!row || row.expiresAt <= toIso(row.nowMs)) return null;
  const { operation, requestId, triedAt, settledBy, expiresAt } = row;
  return { ...toState(row), operation, firstTriedAt: triedAt, expiresAt, requestId, settledBy };
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
