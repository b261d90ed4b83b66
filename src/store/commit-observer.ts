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
