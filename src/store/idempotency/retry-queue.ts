import type { BeginStep } from '../../contract/call-steps.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { type CommitObserver, createGroupCommit } from '../group-commit.ts';
import type { Database, SqlTransaction } from '../sql/database.ts';

/** Writes down what has happened already, and keeps what the database does not take until it does. */
export interface OwedWrites<Item> {
  /** Throws what kept the item from being written now; it is retried later, unless that was a defect or a refused value. */
  write(item: Item, beginStep?: BeginStep): Promise<void>;
  /** Keeps an item to be written later; the oldest makes room for the newest. */
  owe(item: Item): void;
  /** Tries once to write what is owed; it never throws, and all who ask meanwhile wait for the same try. */
  writeOwed(): Promise<void>;
  close(): Promise<void>;
}

export interface OwedWritesOptions<Item> {
  readonly database: Database;
  /** Writes the items in their order; to write one again changes nothing. */
  readonly write: (transaction: SqlTransaction, items: readonly Item[]) => Promise<void>;
  readonly maxPending: number;
  /** Told of each item that was owed and is given up. */
  readonly onGivenUp: (error: unknown, item: Item) => void;
  /** The bytes that an item takes. */
  readonly sizeOf?: (item: Item) => number;
  readonly maxOwed?: number;
  readonly maxOwedSize?: number;
  /** How long after a failure what is owed is tried again by itself. */
  readonly retryMs?: number;
  readonly observer?: CommitObserver | undefined;
}

/** So that a database that is still away is asked with a few, not with all. */
const MAX_OWED_AT_ONCE = 256;

export function createOwedWrites<Item>({
  database,
  write,
  maxPending,
  onGivenUp,
  sizeOf = () => 0,
  maxOwed = 10_000,
  maxOwedSize = 67_108_864,
  retryMs = 1_000,
  observer,
}: OwedWritesOptions<Item>): OwedWrites<Item> {
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
  const owed = new Set<Item>();
  let owedSize = 0;
  let writing: Promise<void> | null = null;
  let retry: NodeJS.Timeout | null = null;
  let isClosed = false;

  /** Others take it for not happened until it is written, and nobody may ever ask for that here. */
  const retryLater = (): void => {
    if (owed.size === 0 || isClosed) return;
    retry ??= setTimeout(() => {
      retry = null;
      void writeOwed();
    }, retryMs).unref();
  };

  const forget = (item: Item): void => {
    if (owed.delete(item)) owedSize -= sizeOf(item);
  };

  const owe = (item: Item): void => {
    const size = sizeOf(item);
    for (const oldest of owed) {
      if (owed.size < maxOwed && owedSize + size <= maxOwedSize) break;
      forget(oldest);
      onGivenUp(new Error('Too much waits for the database to be written; the oldest was given up.'), oldest);
    }
    owed.add(item);
    owedSize += size;
    retryLater();
  };

  /** False when the database does not take it. */
  const writeOne = async (item: Item): Promise<boolean> => {
    try {
      await commits.add(item);
    } catch (error) {
      if (isPassing(error)) return false;
      // A defect or a refused value, which another try would meet again.
      onGivenUp(error, item);
    }
    forget(item);
    return true;
  };

  const writeAll = async (): Promise<void> => {
    while (owed.size > 0) {
      const written = await Promise.all([...owed.values().take(MAX_OWED_AT_ONCE)].map(writeOne));
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
    async write(item, beginStep) {
      try {
        await commits.add(item, beginStep);
      } catch (error) {
        if (isPassing(error)) owe(item);
        throw error;
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

function isPassing(error: unknown): boolean {
  return error instanceof TaskFailure && error.code !== 'BAD_USER_INPUT';
}
