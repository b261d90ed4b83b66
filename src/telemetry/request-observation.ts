import { performance } from 'node:perf_hooks';
import type { RequestLog } from './request-log.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { type ObservedRequest, RequestRecord, type Route, type Tracing } from './request-record.ts';

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
