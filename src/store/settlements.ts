import type { CreatedAccountTask } from '../contract/account-task.ts';
import { TaskFailure } from '../contract/failure.ts';
import { formatCreated } from './created-json.ts';
import type { Database, SqlTransaction } from './database.ts';
import { formatFailure } from './failure-json.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Attempt } from './idempotency.ts';

/** How an attempt ended; `nothing`: it was not sent or was refused, so its key may be used again. */
export type Settlement =
  | { readonly kind: 'created'; readonly created: CreatedAccountTask }
  | { readonly kind: 'unknown'; readonly failure: TaskFailure }
  | { readonly kind: 'nothing' };

/** Writes down how attempts ended, and keeps what the database does not take until it does. */
export interface Settlements {
  /** Never throws: what cannot be written is reported and owed. */
  settle(attempt: Attempt, settlement: Settlement): Promise<void>;
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
  /** How long after a failure what is owed is tried again by itself. */
  readonly retryMs?: number;
}

/** So that a database that is still away is asked with a few, not with all. */
const MAX_OWED_AT_ONCE = 256;

export function createSettlements({
  database,
  maxPending,
  onUnsettled,
  maxOwed = 10_000,
  retryMs = 1_000,
}: SettlementsOptions): Settlements {
  const commits = createGroupCommit({
    database,
    maxPending,
    write: async (transaction, settled: readonly (readonly [Attempt, Settlement])[]): Promise<readonly null[]> => {
      for (const [attempt, settlement] of settled) await write(transaction, attempt, settlement);
      return settled.map(() => null);
    },
  });
  const owed = new Map<Attempt, Settlement>();
  let writing: Promise<void> | null = null;
  let retry: NodeJS.Timeout | null = null;
  let isClosed = false;

  /** Other processes take the key for one under way until it is written, and no claim may ever come here again. */
  const retryLater = (): void => {
    if (owed.size === 0 || isClosed) return;
    retry ??= setTimeout(() => {
      retry = null;
      void writeOwed();
    }, retryMs).unref();
  };

  const owe = (attempt: Attempt, settlement: Settlement): void => {
    const [oldest] = owed.keys();
    if (owed.size >= maxOwed && oldest) {
      owed.delete(oldest);
      onUnsettled(new Error('Too many settlements wait for the database; the oldest was given up.'));
    }
    owed.set(attempt, settlement);
    retryLater();
  };

  /** False when the database does not take it. */
  const writeOne = async (attempt: Attempt, settlement: Settlement): Promise<boolean> => {
    try {
      await commits.add([attempt, settlement]);
    } catch (error) {
      if (error instanceof TaskFailure) return false;
      // A defect, which another try would meet again.
      onUnsettled(error);
    }
    owed.delete(attempt);
    return true;
  };

  const writeAll = async (): Promise<void> => {
    while (owed.size > 0) {
      const some = [...owed.entries().take(MAX_OWED_AT_ONCE)];
      const written = await Promise.all(some.map(([attempt, settlement]) => writeOne(attempt, settlement)));
      if (written.includes(false)) return;
    }
  };

  const writeOwed = async (): Promise<void> => {
    if (owed.size === 0) return;
    writing ??= writeAll().finally(() => {
      writing = null;
      retryLater();
    });
    await writing;
  };

  return {
    async settle(attempt, settlement) {
      try {
        await commits.add([attempt, settlement]);
      } catch (error) {
        onUnsettled(error);
        if (error instanceof TaskFailure) owe(attempt, settlement);
      }
    },
    owe,
    writeOwed,
    async close() {
      isClosed = true;
      if (retry) clearTimeout(retry);
      await writeOwed();
      await commits.close();
    },
  };
}

async function write(transaction: SqlTransaction, { scope, key, id }: Attempt, settlement: Settlement): Promise<void> {
  const where = 'WHERE scope = ?1 AND idempotency_key = ?2 AND attempt_id = ?3';
  if (settlement.kind === 'nothing') {
    await transaction.write(`DELETE FROM idempotency_keys ${where}`, [scope, key, id]);
    return;
  }
  const [state, outcome] =
    settlement.kind === 'created'
      ? ['CREATED', formatCreated(settlement.created)]
      : ['UNKNOWN', formatFailure(settlement.failure)];
  await transaction.write(`UPDATE idempotency_keys SET state = ?4, outcome = ?5 ${where}`, [
    scope,
    key,
    id,
    state,
    outcome,
  ]);
}
