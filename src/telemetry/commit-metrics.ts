import type { Registry } from 'prom-client';
import { createCounter, createGauge, createHistogram } from './series.ts';

/** One kind of commit in numbers. */
export interface CommitMetrics {
  onPending(items: number): void;
  onCommit(items: number, durationMs: number): void;
  onFailure(): void;
}

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Commits of the database; `kind` is what they write (task, record, claim, settlement, refusal), or purge for what they delete. */
export function createCommitMetrics(registry: Registry): (kind: string) => CommitMetrics {
  const labelNames = ['kind'];
  const pending = createGauge(registry, {
    name: 'gateway_commit_pending_items',
    help: 'Items that wait for their commit or are in one.',
    labelNames,
  });
  const items = createHistogram(registry, {
    name: 'gateway_commit_items',
    help: 'How many items a commit wrote.',
    labelNames,
    buckets: ITEMS,
  });
  const durations = createHistogram(registry, {
    name: 'gateway_commit_duration_seconds',
    help: 'Time of a transaction, its commit included.',
    labelNames,
    buckets: COMMIT_SECONDS,
  });
  const failures = createCounter(registry, {
    name: 'gateway_commit_failures_total',
    help: 'Transactions that were not committed, or of which nobody knows.',
    labelNames,
  });
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
