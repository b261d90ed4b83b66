import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Step, StepEnd, Steps, StepUnderWay } from '../event-loop/request-steps.ts';
import type { RequestLog } from './request-log.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { type RequestRecord, type RequestTrace, type Route, type Tracing, parseTraceParent } from './request-record.ts';

interface ObservedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

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
  const traces = new WeakMap<RequestRecord, RequestTrace>();
  return {
    begin({ method, headers }, { name, template, isProbe }, requestId) {
      metrics.begin();
      const trace = tracing && !isProbe ? tracing.beginRequest(method, template, headers) : null;
      const parent = trace ? null : parseTraceParent(headers.traceparent?.toString(), headers['tracestate']);
      const record: RequestRecord = {
        requestId,
        path: name,
        isProbe,
        method,
        traceId: trace?.traceId ?? parent?.traceId ?? null,
        startedMs: performance.now(),
        operationName: null,
        operationType: null,
        code: null,
        outcome: null,
        upstreamMs: 0,
        commitMs: 0,
        failuresLogged: 0,
        failuresLeftOut: 0,
        answer: null,
        begin: (step) => new TimedStep(record, step, trace, parent?.headers ?? null),
      };
      if (trace) traces.set(record, trace);
      return record;
    },
    end(record, status, isAborted) {
      const statusCode = status ?? CLIENT_CLOSED_REQUEST;
      const durationMs = performance.now() - record.startedMs;
      metrics.end(record, statusCode, durationMs);
      requestLog(record, { status: statusCode, durationMs, isAborted });
      if (tracing) traces.get(record)?.end(record, statusCode);
    },
  };
}

/** Adds the time of a step to its request's record, and begins a span if the request is traced. */
class TimedStep implements StepUnderWay {
  readonly headers: Readonly<Record<string, string>> | null;
  readonly #record: RequestRecord;
  readonly #kind: Step['kind'];
  readonly #startedMs = performance.now();
  readonly #traced: StepUnderWay | null;

  constructor(
    record: RequestRecord,
    step: Step,
    trace: Steps | null,
    forwardedHeaders: Readonly<Record<string, string>> | null,
  ) {
    const traced = trace?.begin(step) ?? null;
    this.#record = record;
    this.#kind = step.kind;
    this.#traced = traced;
    this.headers = traced ? traced.headers : forwardedHeaders;
  }

  begin(step: Step): StepUnderWay {
    return this.#traced ? new TimedStep(this.#record, step, this.#traced, null) : this.#record.begin(step);
  }

  end(end: StepEnd): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (this.#kind === 'exchange') this.#record.upstreamMs += elapsedMs;
    if (this.#kind === 'commit') this.#record.commitMs += elapsedMs;
    this.#traced?.end(end);
  }
}
