import type { CreatedAccountTask } from '../../contract/account-task.ts';
import type { BeginStep } from '../../contract/call-steps.ts';
import type { TaskFailure } from '../../contract/failure.ts';
import type { CommitObserver } from '../group-commit.ts';
import { formatCreated, formatFailure } from './outcome-json.ts';
import type { Database, SqlTransaction } from '../sql/database.ts';
import type { Attempt } from './attempt.ts';
import { createOwedWrites } from './retry-queue.ts';

/** How an attempt ended; `nothing`: it was not sent or was refused, so its key may be used again. */
export type Settlement =
  | { readonly kind: 'created'; readonly created: CreatedAccountTask }
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'nothing' };

/** Writes down how attempts ended, and keeps what the database does not take until it does. */
export interface Settlements {
  /** Never throws: what cannot be written is reported and owed. */
  settle(attempt: Attempt, settlement: Settlement, beginStep?: BeginStep): Promise<void>;
  /** Keeps a settlement to be written later; the oldest makes room for the newest. */
  owe(attempt: Attempt, settlement: Settlement): void;
  /** Tries once to write what is owed; it never throws, and all who ask meanwhile wait for the same try. */
  writeOwed(): Promise<void>;
  close(): Promise<void>;
}

export interface SettlementsOptions {
  readonly database: Database;
  readonly maxPending: number;
  /** Told of each settlement that could not be written, and again when it is given up. */
  readonly onUnsettled: (error: unknown) => void;
  readonly maxOwed?: number;
  readonly maxOwedSize?: number;
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** A settlement as it is written. */
interface SettledAttempt {
  readonly attempt: Attempt;
  readonly kind: Settlement['kind'];
  /** The result or failure as JSON; empty for nothing. */
  readonly outcome: string;
}

export function createSettlements({ onUnsettled, ...options }: SettlementsOptions): Settlements {
  const writes = createOwedWrites<SettledAttempt>({
    ...options,
    write: async (transaction, settled) => {
      for (const item of settled) for (const scope of item.attempt.owner.scopes) await write(transaction, scope, item);
    },
    sizeOf: ({ outcome }) => Buffer.byteLength(outcome),
    onGivenUp: onUnsettled,
  });
  return {
    async settle(attempt, settlement, beginStep) {
      await writes.write(toSettled(attempt, settlement), beginStep).catch(onUnsettled);
    },
    owe: (attempt, settlement) => writes.owe(toSettled(attempt, settlement)),
    writeOwed: () => writes.writeOwed(),
    close: () => writes.close(),
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
  if (kind === 'nothing') {
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
