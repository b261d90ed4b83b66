import { TaskFailure } from '../contract/failure.ts';
import { currentSteps, type StepEnd, type Steps, type StepUnderWay } from '../event-loop/request-steps.ts';
import { endOfBatch } from '../event-loop/turn-batch.ts';
import { type Database, DatabaseUnavailableError, type SqlTransaction } from './sql/database.ts';
import { toWriteFailure } from './store-failure.ts';

export interface GroupCommit<Item, Result> {
  /** Resolves once the transaction that holds the item is durably committed. It is a step of the request. */
  add(item: Item): Promise<Result>;
  /** Commits what is waiting and refuses further items. */
  close(): Promise<void>;
}

export interface GroupCommitOptions<Item, Result> {
  readonly database: Database;
  /**
   * Writes the items and returns a result for each, in their order. A TaskFailure means that the item has written nothing.
   * It runs again for an item whose transaction failed.
   */
  readonly write: (transaction: SqlTransaction, items: readonly Item[]) => Promise<readonly (Result | TaskFailure)[]>;
  /** How many items may wait for their commit; further ones are refused at once. */
  readonly maxPending: number;
  /** The approximate memory that an item occupies. */
  readonly sizeOf?: (item: Item) => number;
  /** The limit for all pending items together. A single item may exceed it. */
  readonly maxPendingSize?: number;
  readonly observer?: CommitObserver | undefined;
}

interface Pending<Item, Result> {
  readonly item: Item;
  readonly requestSteps: Steps | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly size: number;
}

/** SQLite's synchronous commit blocks the event loop; a larger batch gains nothing over a second commit. */
const MAX_ITEMS_PER_COMMIT = 256;
/** The size of the items of one commit, unless its first item is larger. */
const MAX_COMMIT_SIZE = 4_194_304;
const MAX_PENDING_SIZE = 67_108_864;

/**
 * Writes the items of one turn batch, or else of one event-loop turn, in one transaction. At most `parallelTransactions` commits run at once; items
 * that arrive meanwhile form the next batch.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  const { database, write, maxPending, sizeOf = () => 0, maxPendingSize = MAX_PENDING_SIZE, observer } = options;
  const waiting: Pending<Item, Result>[] = [];
  /** True while a commit loop waits for its batch to be complete: items that arrive then join that batch. */
  let isCollecting = false;
  let commitLoops = 0;
  let committing = 0;
  let pendingSize = 0;
  let onIdle: (() => void) | null = null;
  let closing: Promise<void> | null = null;

  /** Runs the transaction of a batch and reports it to the observer and the steps. */
  const transact = async (batch: readonly Pending<Item, Result>[]): Promise<readonly (Result | TaskFailure)[]> => {
    const items = batch.map(({ item }) => item);
    const steps = batch.flatMap(
      ({ requestSteps }) => requestSteps?.begin({ kind: 'commit', items: batch.length }) ?? [],
    );
    const startedMs = observer ? performance.now() : 0;
    try {
      const results = await database.transaction((transaction) => write(transaction, items));
      observer?.onCommit(batch.length, performance.now() - startedMs);
      endSteps(steps, {});
      return results;
    } catch (error) {
      observer?.onFailure();
      endSteps(steps, { error });
      throw error;
    }
  };

  const commit = async (batch: readonly Pending<Item, Result>[]): Promise<void> => {
    try {
      const results = await transact(batch);
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index] as Result | TaskFailure;
        if (result instanceof TaskFailure) reject(result);
        else resolve(result);
      }
    } catch (error) {
      // An item that breaks the transaction must not fail the others: nothing was stored, so each half is tried alone.
      if (batch.length > 1 && !(error instanceof DatabaseUnavailableError)) {
        const half = Math.ceil(batch.length / 2);
        await commit(batch.slice(0, half));
        await commit(batch.slice(half));
        return;
      }
      const failure = toWriteFailure(error);
      for (const { reject } of batch) reject(failure);
    }
  };

  const commitBatches = async (): Promise<void> => {
    commitLoops += 1;
    while (waiting.length > 0 && !isCollecting) {
      isCollecting = true;
      await endOfBatch();
      isCollecting = false;
      const batch = waiting.splice(0, countFitting(waiting));
      committing += batch.length;
      startCommitLoop();
      await commit(batch);
      committing -= batch.length;
      for (const { size } of batch) pendingSize -= size;
      observer?.onPending(waiting.length + committing);
    }
    commitLoops -= 1;
    if (commitLoops === 0) onIdle?.();
  };

  /** Starts a commit loop for the waiting items, unless one is about to take them or the maximum is running. */
  const startCommitLoop = (): void => {
    if (waiting.length > 0 && !isCollecting && commitLoops < database.parallelTransactions) void commitBatches();
  };

  const finish = async (): Promise<void> => {
    if (commitLoops === 0) return;
    await new Promise<void>((resolve) => {
      onIdle = resolve;
    });
  };

  return {
    async add(item) {
      if (closing) throw overloaded('The gateway is shutting down; nothing was stored.');
      const size = sizeOf(item);
      const isTooMuch = pendingSize > 0 && pendingSize + size > maxPendingSize;
      if (isTooMuch || waiting.length + committing >= maxPending) {
        observer?.onRefused();
        throw overloaded('Too many writes are waiting for the database; nothing was stored. Try again later.');
      }
      pendingSize += size;
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, requestSteps: currentSteps(), resolve, reject, size });
        observer?.onPending(waiting.length + committing);
        startCommitLoop();
      });
    },
    close() {
      closing ??= finish();
      return closing;
    },
  };
}

/** Returns how many waiting items one commit takes. */
function countFitting(waiting: readonly { readonly size: number }[]): number {
  let totalSize = 0;
  const count = waiting.findIndex(({ size }, index) => {
    totalSize += size;
    return index === MAX_ITEMS_PER_COMMIT || (totalSize > MAX_COMMIT_SIZE && index > 0);
  });
  return count === -1 ? waiting.length : count;
}

function endSteps(steps: readonly StepUnderWay[], end: StepEnd): void {
  for (const step of steps) step.end(end);
}

function overloaded(message: string): TaskFailure {
  return new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, message);
}

/** The kind of data that a commit writes; `purge` deletes expired rows. */
export type CommitKind = 'task' | 'record' | 'claim' | 'settlement' | 'refusal' | 'purge';

/** Callbacks for the metrics of one kind of commit. They never throw. */
export interface CommitObserver {
  /** Receives how many items are waiting for their commit or being committed. */
  onPending(items: number): void;
  /** Called after the commit of a transaction of this many items. */
  onCommit(items: number, durationMs: number): void;
  /** Called after a transaction that was not committed, or whose fate is unknown. */
  onFailure(): void;
  /** Called for an item that was refused because too many are waiting. */
  onRefused(): void;
}

/** Returns the observer for a kind of commit. */
export type ObserveCommits = (kind: CommitKind) => CommitObserver;
