import type { Config } from './config.ts';
import { createLog, createRequestLog, type Log, openLogSink, type ProcessFacts } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import type { RequestLog, Tracing } from '../telemetry/request-record.ts';
import { shareForASecond } from '../event-loop/shared-work.ts';
import { parseDatabaseAddress } from '../store/sql/database.ts';

/** The log, metrics and traces that a gateway reports to. */
export interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent if requests are not logged. */
  readonly requestLog?: RequestLog;
  /** Absent or null if tracing is off. */
  readonly tracing?: Tracing | null;
}

/** Observers that hold resources. */
export interface OpenObservers extends Observers {
  /** Sends or writes everything that is still buffered. */
  close(): Promise<void>;
}

/** Opens the log, the metrics and, if configured, tracing. */
export async function openObservers(config: Config, facts: ProcessFacts = {}): Promise<OpenObservers> {
  const { logLevel, databaseUrl, ignoredVariables, tracing: tracingConfig } = config;
  const logSink = await openLogSink({ isShared: facts.worker !== undefined });
  const log = createLog(logLevel, logSink, facts);
  for (const problem of ignoredVariables) log.warn({ problem }, 'a variable has no effect');
  // The SDK is loaded only if tracing is on.
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
