import type { Families } from './series.ts';

/** The metrics of one kind of commit. */
export interface CommitMetrics {
  onPending(items: number): void;
  onCommit(items: number, durationMs: number): void;
  onFailure(): void;
}

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Registers the metrics of database commits. `kind` is what a commit writes (task, record, claim, …), or purge if it deletes. */
export function createCommitMetrics(families: Families): (kind: string) => CommitMetrics {
  const labelNames = ['kind'];
  const pending = families.gauge(
    'gateway_commit_pending_items',
    'Items that wait for a commit or are being committed.',
    labelNames,
  );
  const items = families.histogram('gateway_commit_items', 'Items written by a commit.', labelNames, ITEMS);
  const durations = families.histogram(
    'gateway_commit_duration_seconds',
    'Duration of a transaction, including its commit.',
    labelNames,
    COMMIT_SECONDS,
  );
  const failures = families.counter(
    'gateway_commit_failures_total',
    'Transactions that failed, or whose commit is uncertain.',
    labelNames,
  );
  return (kind) => {
    const [pendingItems, itemsPerCommit] = [pending(kind), items(kind)];
    const [duration, failed] = [durations(kind), failures(kind)];
    return {
      onPending: (count) => void (pendingItems.value = count),
      onCommit(count, durationMs) {
        itemsPerCommit.observe(count);
        duration.observe(durationMs / 1000);
      },
      onFailure: () => void (failed.value += 1),
    };
  };
}
