import type { TaskService } from '../contract/task-service.ts';
import type { ObserveCommits } from './group-commit.ts';
import type { Database } from './sql/database.ts';
import { databaseCheck } from './store-failure.ts';
import { idempotentTaskService } from './idempotency/upstream-idempotency.ts';
import { createLedger, type LedgerOptions } from './idempotency/ledger.ts';
import { recordedTaskService, createTaskRecords } from './task-records.ts';
import { createPurge } from './purge.ts';
import { createRefusedCredentials } from './refused-credentials.ts';

export interface UpstreamRecordsOptions {
  /** Longer than any create takes. */
  readonly leaseMs: number;
  /** How long an idempotency key replays its first result. */
  readonly keyExpiryMs: number;
  /** Days that records and settled attempts are kept; for ever if null. Keys stay until they expire. */
  readonly recordDays: number | null;
  /** How long a second attempt with a key waits for the first. */
  readonly keyWaitMs: number;
  readonly maxPending: number;
  /** Called for what happened upstream but could not be stored here. */
  readonly onUnwritten: (what: 'record' | 'settlement' | 'refusal', error: unknown) => void;
  /** Called for an answer that arrived after an operator had settled its attempt. */
  readonly onLateAnswer: LedgerOptions['onLateAnswer'];
  readonly observeCommits?: ObserveCommits | undefined;
}

/** Decorates an upstream with our database: created tasks are recorded and can be read, and idempotency keys are honoured. */
export function withUpstreamRecords(
  upstream: TaskService,
  database: Database,
  options: UpstreamRecordsOptions,
): TaskService {
  const { leaseMs, keyExpiryMs, recordDays, keyWaitMs, maxPending, onUnwritten, onLateAnswer, observeCommits } =
    options;
  const records = createTaskRecords({
    database,
    maxPending,
    onDropped: (error) => onUnwritten('record', error),
    observer: observeCommits?.('record'),
  });
  const refusals = createRefusedCredentials({
    database,
    maxPending,
    onUnwritten: (error) => onUnwritten('refusal', error),
    observer: observeCommits?.('refusal'),
  });
  const recorded = recordedTaskService(upstream, {
    records,
    refusals,
    onUnrecorded: (_taskId, error) => onUnwritten('record', error),
  });
  const ledger = createLedger({
    database,
    leaseMs,
    expiryMs: keyExpiryMs,
    maxPending,
    onUnsettled(error, isRecord) {
      onUnwritten('settlement', error);
      if (isRecord) onUnwritten('record', error);
    },
    onLateAnswer,
    observeCommits,
  });
  const purge = createPurge({ database, keyExpiryMs, recordDays, observer: observeCommits?.('purge') });
  const idempotent = idempotentTaskService(recorded, { ledger, waitMs: keyWaitMs });
  return {
    ...idempotent,
    checks: { ...upstream.checks, database: databaseCheck(database) },
    async close() {
      await purge.close();
      await idempotent.close();
      await database.close();
    },
  };
}
