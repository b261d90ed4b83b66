import type { ObserveCommits } from '../store/group-commit.ts';
import type { Config } from './config.ts';
import { createLog, type Log, openLogSink, type ProcessFacts } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createRequestLog, type RequestLog } from '../telemetry/request-log.ts';
import type { Tracing } from '../telemetry/request-record.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { parseDatabaseAddress } from '../store/sql/database.ts';

/** Where a backend says what it did. */
export interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: requests are not logged. */
  readonly requestLog?: RequestLog;
  /** Absent or null: there are no traces. */
  readonly tracing?: Tracing | null;
}

/** Observers that have to be let go of. */
export interface OpenObservers extends Observers {
  /** Sends on what they still hold. */
  close(): Promise<void>;
}

/** The log, the metrics and, where they are asked for, the traces. */
export async function openObservers(config: Config, facts: ProcessFacts = {}): Promise<OpenObservers> {
  const { logLevel, databaseUrl, ignoredVariables, tracing: tracingConfig } = config;
  const logSink = await openLogSink({ isShared: facts.worker !== undefined });
  const log = createLog(logLevel, logSink, facts);
  for (const problem of ignoredVariables) log.warn({ problem }, 'a variable is ignored');
  // The SDK is loaded by those only who trace.
  const tracing =
    tracingConfig &&
    (await import('../telemetry/tracing.ts')).createTracing({
      ...tracingConfig,
      database: parseDatabaseAddress(databaseUrl)?.kind ?? 'sqlite',
      log,
    });
  const metrics = createMetrics();
  return {
    log,
    requestLog: createRequestLog(logLevel, logSink, facts),
    metrics: { ...metrics, render: shareForASecond(() => metrics.render()) },
    tracing,
    async close() {
      await tracing?.close();
      logSink.flush();
    },
  };
}

/** Commits as the metrics see them. */
export function observeCommits(metrics: Metrics): ObserveCommits {
  return (kind) => ({ ...metrics.commits(kind), onRefused: () => metrics.countRefusal('pending_writes') });
}
