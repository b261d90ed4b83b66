import type { BeginStep, StepEnd, StepUnderWay } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';
import { endOfBatch } from '../event-loop/turn-batch.ts';
import { type Database, DatabaseUnavailableError, type SqlTransaction } from './sql/database.ts';
import { toWriteFailure } from './store-failure.ts';

export interface GroupCommit<Item, Result> {
  /** Resolves once the transaction that holds the item is durably committed; `beginStep` is told of its commit. */
  add(item: Item, beginStep?: BeginStep): Promise<Result>;
  /** Commits what is waiting and refuses what comes after. */
  close(): Promise<void>;
}

export interface GroupCommitOptions<Item, Result> {
  readonly database: Database;
  /**
   * Writes the items and answers for each, in their order; an item it answers with a TaskFailure has written nothing.
   * Whatever must be stored together with an item is written here. It runs again for an item whose transaction failed.
   */
  readonly write: (transaction: SqlTransaction, items: readonly Item[]) => Promise<readonly (Result | TaskFailure)[]>;
  /** How many items may wait for their commit; one more is refused at once. */
  readonly maxPending: number;
  /** What an item holds of memory, about. */
  readonly sizeOf?: (item: Item) => number;
  /** What the items that wait may hold together; a single one may hold more. */
  readonly maxPendingSize?: number;
  readonly observer?: CommitObserver | undefined;
}

interface Pending<Item, Result> {
  readonly item: Item;
  readonly beginStep: BeginStep | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly size: number;
  /** Which turn of the event loop it arrived in. */
  readonly turn: number;
}

/** A synchronous commit holds up everything else in the process; more items than this gain nothing over another commit. */
const MAX_ITEMS_PER_COMMIT = 256;
const MAX_PENDING_SIZE = 67_108_864;

/**
 * Writes the items of one turn batch, or else of one event-loop turn, in one transaction. While as many commits are under way as
 * the database gains from, arriving items wait and go into the next one.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  const { database, write, maxPending, sizeOf = () => 0, maxPendingSize = MAX_PENDING_SIZE, observer } = options;
  const waiting: Pending<Item, Result>[] = [];
  /** True while a lane waits for those who come together: what arrives is its. */
  let isCollecting = false;
  let lanes = 0;
  let committing = 0;
  let pendingSize = 0;
  let turn = 0;
  let isTurnOver = true;
  let onIdle: (() => void) | null = null;
  let closing: Promise<void> | null = null;

  /** The transaction of a batch, and the observers' part in it. */
  const transact = async (batch: readonly Pending<Item, Result>[]): Promise<readonly (Result | TaskFailure)[]> => {
    const items = batch.map(({ item }) => item);
    const steps = batch.flatMap(({ beginStep }) => beginStep?.({ kind: 'commit', items: batch.length }) ?? []);
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
      // An item that breaks the transaction takes no other down with it: nothing was stored, so each half is tried alone.
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

  const commitWaiting = async (): Promise<void> => {
    lanes += 1;
    while (waiting.length > 0 && !isCollecting) {
      isCollecting = true;
      await endOfBatch();
      isCollecting = false;
      const batch = waiting.splice(0, countWholeTurns(waiting));
      committing += batch.length;
      openLane();
      await commit(batch);
      committing -= batch.length;
      for (const { size } of batch) pendingSize -= size;
      observer?.onPending(waiting.length + committing);
    }
    lanes -= 1;
    if (lanes === 0) onIdle?.();
  };

  /** Sees to the items that wait, unless a lane will anyway or there are lanes enough. */
  const openLane = (): void => {
    if (waiting.length > 0 && !isCollecting && lanes < database.parallelTransactions) void commitWaiting();
  };

  const currentTurn = (): number => {
    if (isTurnOver) {
      isTurnOver = false;
      turn += 1;
      setImmediate(() => {
        isTurnOver = true;
      });
    }
    return turn;
  };

  const finish = async (): Promise<void> => {
    if (lanes === 0) return;
    await new Promise<void>((resolve) => {
      onIdle = resolve;
    });
  };

  return {
    async add(item, beginStep) {
      if (closing) throw overloaded('The task store is shutting down; nothing was stored.');
      const size = sizeOf(item);
      const isTooMuch = pendingSize > 0 && pendingSize + size > maxPendingSize;
      if (isTooMuch || waiting.length + committing >= maxPending) {
        observer?.onRefused();
        throw overloaded('The task store has too many tasks waiting to be stored; nothing was stored.');
      }
      pendingSize += size;
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, beginStep, resolve, reject, size, turn: currentTurn() });
        observer?.onPending(waiting.length + committing);
        openLane();
      });
    },
    close() {
      closing ??= finish();
      return closing;
    },
  };
}

/** How many of those that wait go into one commit: those of one turn, such as a request's, together where they fit. */
function countWholeTurns(waiting: readonly { readonly turn: number }[]): number {
  if (waiting.length <= MAX_ITEMS_PER_COMMIT) return waiting.length;
  const turnThatWaits = waiting[MAX_ITEMS_PER_COMMIT]?.turn;
  const count = waiting.findIndex(({ turn }) => turn === turnThatWaits);
  return count === 0 ? MAX_ITEMS_PER_COMMIT : count;
}

function endSteps(steps: readonly StepUnderWay[], end: StepEnd): void {
  for (const step of steps) step.end(end);
}

function overloaded(message: string): TaskFailure {
  return new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, message);
}

/** What one kind of commit writes. */
export type CommitKind = 'task' | 'record' | 'claim' | 'settlement' | 'refusal' | 'purge';

/** Told of what one group commit does. It never throws. */
export interface CommitObserver {
  /** How many items wait for their commit or are in one. */
  onPending(items: number): void;
  /** A transaction of so many items was committed. */
  onCommit(items: number, durationMs: number): void;
  /** A transaction was not committed, or nobody knows. */
  onFailure(): void;
  /** An item was refused because too many wait. */
  onRefused(): void;
}

/** The observer of a kind of commit. */
export type ObserveCommits = (kind: CommitKind) => CommitObserver;
