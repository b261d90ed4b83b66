import { TaskFailure } from '../../contract/failure.ts';
import { withSteps } from '../../event-loop/request-steps.ts';
import { type CommitObserver, createGroupCommit } from '../group-commit.ts';
import type { Database, SqlTransaction } from '../sql/database.ts';

interface RetryQueueOptions<Item> {
  readonly database: Database;
  /** Writes the items in their order. Writing an item a second time must change nothing. */
  readonly write: (transaction: SqlTransaction, items: readonly Item[]) => Promise<void>;
  readonly maxPending: number;
  /**
   * Called for each item that could not be written at once, and for each queued item that will not be written: the queue was
   * full, or the database refuses the item.
   */
  readonly onUnwritten: (error: unknown, item: Item) => void;
  /** The size of an item in bytes. */
  readonly sizeOf?: (item: Item) => number;
  readonly maxQueued?: number;
  readonly maxQueuedBytes?: number;
  /** The pause before the queue is flushed again. */
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** The options of a queue whose items are known. */
export type QueueOptions<Item> = Omit<RetryQueueOptions<Item>, 'write' | 'sizeOf'>;

/** A small batch, so that a database that is still unavailable is tried with a few items only. */
const MAX_FLUSHED_AT_ONCE = 256;

/** Stores facts that must not be lost, and retries those that the database has not accepted until it does. */
export function createRetryQueue<Item>({
  database,
  write,
  maxPending,
  onUnwritten,
  sizeOf = () => 0,
  maxQueued = 10_000,
  maxQueuedBytes = 67_108_864,
  retryMs = 1_000,
  observer,
}: RetryQueueOptions<Item>) {
  const commits = createGroupCommit({
    database,
    maxPending,
    sizeOf,
    observer,
    write: async (transaction, items: readonly Item[]): Promise<readonly null[]> => {
      await write(transaction, items);
      return items.map(() => null);
    },
  });
  const queued = new Set<Item>();
  let queuedBytes = 0;
  let flushing: Promise<void> | null = null;
  // This process may never get another request that flushes the queue.
  const retries = setInterval(() => void flush(), retryMs).unref();

  const remove = (item: Item): void => {
    if (queued.delete(item)) queuedBytes -= sizeOf(item);
  };

  /** Adds an item to be written later. A full queue drops its oldest items. */
  const enqueue = (item: Item): void => {
    const size = sizeOf(item);
    for (const oldest of queued) {
      if (queued.size < maxQueued && queuedBytes + size <= maxQueuedBytes) break;
      remove(oldest);
      onUnwritten(new Error('The queue of writes to retry is full; its oldest write was dropped.'), oldest);
    }
    queued.add(item);
    queuedBytes += size;
  };

  /** Returns false if the item stays queued. */
  const writeQueued = async (item: Item): Promise<boolean> => {
    try {
      // It may run in the context of any request.
      await withSteps(undefined, () => commits.add(item));
    } catch (error) {
      if (isTemporary(error)) return false;
      onUnwritten(error, item);
    }
    remove(item);
    return true;
  };

  const writeAll = async (): Promise<void> => {
    while (queued.size > 0) {
      const written = await Promise.all([...queued.values().take(MAX_FLUSHED_AT_ONCE)].map(writeQueued));
      if (written.includes(false)) return;
    }
  };

  /** Tries once to write everything that is queued. It never throws; concurrent calls share one try. */
  const flush = async (): Promise<void> => {
    if (queued.size === 0) return;
    flushing ??= writeAll().finally(() => {
      flushing = null;
    });
    await flushing;
  };

  /** Tries to write the item now. It never throws: what fails is reported, and enqueued unless a retry would fail the same way. */
  const writeNow = async (item: Item): Promise<void> => {
    try {
      await commits.add(item);
    } catch (error) {
      if (isTemporary(error)) enqueue(item);
      onUnwritten(error, item);
    }
  };
  /** Flushes once more and ends the retries. */
  const close = async (): Promise<void> => {
    clearInterval(retries);
    await flush();
    await commits.close();
  };
  return { write: writeNow, enqueue, flush, close };
}

/** False for a defect and for a refused value: another try would fail the same way. */
function isTemporary(error: unknown): boolean {
  return error instanceof TaskFailure && error.code !== 'BAD_USER_INPUT';
}
