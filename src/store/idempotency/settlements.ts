import type { CreatedAccountTask } from '../../contract/account-task.ts';
import type { TaskFailure } from '../../contract/failure.ts';
import type { CommitObserver } from '../group-commit.ts';
import { formatCreated, formatFailure } from './outcome-json.ts';
import type { Database, SqlTransaction } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';
import { createRetryQueue } from './retry-queue.ts';

/** How an attempt ended. `released`: the task was not sent or was refused, so the key is free again. */
export type Settlement =
  | { readonly kind: 'created'; readonly created: CreatedAccountTask }
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'released' };

/** Records how attempts ended, with a retry queue for the settlements that the database has not accepted yet. */
export interface Settlements {
  /** Writes the settlement now. Never throws: a failure is reported and the settlement is enqueued. */
  settle(attempt: Attempt, settlement: Settlement): Promise<void>;
  /** Adds a settlement to be written later. A full queue drops its oldest ones. */
  enqueue(attempt: Attempt, settlement: Settlement): void;
  /** Tries once to write everything that is queued. It never throws; concurrent calls share one try. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SettlementsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Called for each settlement that could not be written, and again if it is dropped. */
  readonly onUnsettled: (error: unknown) => void;
  readonly maxQueued?: number;
  readonly maxQueuedBytes?: number;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** A settlement as it is written. */
interface SettledAttempt {
  readonly attempt: Attempt;
  readonly kind: Settlement['kind'];
  /** The result or failure as JSON; empty if the key is released. */
  readonly outcome: string;
}

export function createSettlements({ onUnsettled, ...options }: SettlementsOptions): Settlements {
  const queue = createRetryQueue<SettledAttempt>({
    ...options,
    write: async (transaction, settled) => {
      for (const item of settled) for (const scope of item.attempt.owner.scopes) await write(transaction, scope, item);
    },
    sizeOf: ({ outcome }) => Buffer.byteLength(outcome),
    onDropped: onUnsettled,
  });
  return {
    async settle(attempt, settlement) {
      await queue.write(toSettled(attempt, settlement)).catch(onUnsettled);
    },
    enqueue: (attempt, settlement) => queue.enqueue(toSettled(attempt, settlement)),
    flush: () => queue.flush(),
    close: () => queue.close(),
  };
}

function toSettled(attempt: Attempt, settlement: Settlement): SettledAttempt {
  const { kind } = settlement;
  if (kind === 'created') return { attempt, kind, outcome: formatCreated(settlement.created) };
  return { attempt, kind, outcome: kind === 'unknown' ? formatFailure(settlement.failure) : '' };
}

async function write(
  transaction: SqlTransaction,
  scope: string,
  { attempt: { key, id }, kind, outcome }: SettledAttempt,
): Promise<void> {
  const where = 'WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3';
  if (kind === 'released') {
    await transaction.write(`DELETE FROM idempotency_keys ${where}`, [scope, key, id]);
    return;
  }
  const state = kind === 'created' ? 'CREATED' : 'UNKNOWN';
  await transaction.write(`UPDATE idempotency_keys SET state = ?4, outcome = ?5 ${where}`, [
    scope,
    key,
    id,
    state,
    outcome,
  ]);
}
