import { performance } from 'node:perf_hooks';
import type { LogLevel, LogSink, ProcessFacts } from './log.ts';
import type { RequestMetrics } from './traffic-metrics.ts';
import { type ObservedRequest, RequestRecord, type Route, toOutcome, type Tracing } from './request-record.ts';

/** Observes each request from its first byte to its answer, whichever handler serves it. */
export interface RequestObservation {
  begin(request: ObservedRequest, route: Route, requestId: string): RequestRecord;
  /** To be called when the request was answered, or its caller left. The status is null if no answer was sent. */
  end(record: RequestRecord, status: number | null, isAborted: boolean): void;
}

export interface RequestObservationOptions {
  readonly metrics: RequestMetrics;
  readonly requestLog: RequestLog;
  /** Null if tracing is off. */
  readonly tracing: Tracing | null;
}

/** Not a status of HTTP: the caller left before it got an answer. */
const CLIENT_CLOSED_REQUEST = 499;

export function createRequestObservation({
  metrics,
  requestLog,
  tracing,
}: RequestObservationOptions): RequestObservation {
  return {
    begin(request, route, requestId) {
      metrics.begin();
      const trace = tracing && !route.isProbe ? tracing.beginRequest(request, route.template) : null;
      return new RequestRecord(requestId, route, request, trace);
    },
    end(record, status, isAborted) {
      const statusCode = status ?? CLIENT_CLOSED_REQUEST;
      const durationMs = performance.now() - record.startedMs;
      metrics.end(record, statusCode, durationMs);
      requestLog(record, { status: statusCode, durationMs, isAborted });
      record.trace?.end(record, statusCode);
    },
  };
}

export interface AnswerFacts {
  readonly status: number;
  readonly durationMs: number;
  /** True if the caller left before the answer was complete. */
  readonly isAborted: boolean;
}

/** Writes one line for a finished request; probes are logged at the level debug. */
export type RequestLog = (record: RequestRecord, answer: AnswerFacts) => void;

/** The numbers of pino's levels. */
const LEVELS = { debug: 20, info: 30 } as const;

/**
 * Creates the log of requests. It builds its lines itself, because pino would cost four times as much. No value needs escaping,
 * and all are ASCII: IDs are checked, operations are GraphQL names, methods are Node's, and the rest is the gateway's own.
 */
export function createRequestLog(level: LogLevel, sink: LogSink, { worker }: ProcessFacts = {}): RequestLog {
  const processField = worker === undefined ? '' : `,"worker":${worker}`;
  const writesProbes = level === 'debug';
  const writesRequests = writesProbes || level === 'info';
  return (record, answer) => {
    if (record.isProbe ? writesProbes : writesRequests) sink.write(toLine(record, answer, processField), true);
  };
}

function toLine(record: RequestRecord, { status, durationMs, isAborted }: AnswerFacts, processField: string): string {
  const { requestId, traceId, method, path, isProbe, operationName, code, upstreamMs, commitMs } = record;
  const outcome = toOutcome(record);
  let line = `{"level":${isProbe ? LEVELS.debug : LEVELS.info},"time":${Date.now()}${processField},"requestId":"${requestId}"`;
  if (traceId !== null) line += `,"traceId":"${traceId}"`;
  line += `,"method":"${method}","path":"${path}","status":${status}`;
  if (operationName !== null) line += `,"operation":"${operationName}"`;
  if (code !== null) line += `,"code":"${code}"`;
  if (outcome !== null) line += `,"outcome":"${outcome}"`;
  line += `,"durationMs":${toMs(durationMs)}`;
  if (upstreamMs > 0) line += `,"upstreamMs":${toMs(upstreamMs)}`;
  if (commitMs > 0) line += `,"commitMs":${toMs(commitMs)}`;
  if (isAborted) line += ',"aborted":true';
  return `${line},"msg":"request"}\n`;
}

/** Formats milliseconds with one decimal. Two integers are cheaper than a fraction, because V8 caches their texts. */
function toMs(ms: number): string {
  const tenths = Math.round(ms * 10);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}
