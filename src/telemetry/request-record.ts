import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Step, StepEnd, Steps, StepUnderWay } from '../event-loop/request-steps.ts';

/** A kind of path, as http/request-handler.ts lists them. */
export interface Route {
  /** The label of metrics and log lines; few values exist. */
  readonly name: string;
  /** The path that a trace names; null if the path is not one of the gateway's own. */
  readonly template: string | null;
  /** Requested by machines every few seconds, and therefore not traced, and logged for debugging only. */
  readonly isProbe: boolean;
}

/** The facts about one request. Each layer adds what it learns; the log line, metrics and trace are made from them. */
export class RequestRecord implements Steps {
  readonly requestId: string;
  /** The name of the route. */
  readonly path: string;
  readonly isProbe: boolean;
  readonly method: string;
  /** Null if the request is not traced here. */
  readonly trace: RequestTrace | null;
  /** The ID of the caller's trace, or of the one that begins here; null without a trace. */
  readonly traceId: string | null;
  /** The caller's trace headers, forwarded if the request is not traced here. */
  readonly #callerHeaders: TraceHeaders | null;
  /** In milliseconds of `performance.now()`. */
  readonly startedMs = performance.now();
  /** The name of the operation that ran; null if none ran or it has no name. */
  operationName: string | null = null;
  /** Null if no operation ran. */
  operationType: string | null = null;
  /** The code of the failure that `noteFailure` chose; null without a failure. */
  code: string | null = null;
  outcome: string | null = null;
  /** The total time of the request's exchanges with the service. */
  upstreamMs = 0;
  /** The total time of the commits that the request took part in. */
  commitMs = 0;
  /** The number of failures with a log line. */
  failuresLogged = 0;
  /** The number of failures without a log line, or without an error in the answer. */
  failuresLeftOut = 0;
  /** The memory reserved for the GraphQL answer; null until there is one. */
  answer: { readonly reservedBytes: number } | null = null;

  constructor(
    requestId: string,
    { name, isProbe }: Route,
    { method, headers }: ObservedRequest,
    trace: RequestTrace | null = null,
  ) {
    const parent = trace ? null : parseTraceParent(headers.traceparent?.toString(), headers['tracestate']);
    this.requestId = requestId;
    this.path = name;
    this.isProbe = isProbe;
    this.method = method;
    this.trace = trace;
    this.traceId = trace?.traceId ?? parent?.traceId ?? null;
    this.#callerHeaders = parent?.headers ?? null;
  }

  begin(step: Step): StepUnderWay {
    return new TimedStep(this, step, this.trace, this.#callerHeaders);
  }
}

/** The part of an HTTP request that its record is made from. */
export interface ObservedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

type TraceHeaders = NonNullable<StepUnderWay['headers']>;

/** Adds the time of a step to its request's record, and begins a span if the request is traced. */
class TimedStep implements StepUnderWay {
  readonly headers: TraceHeaders | null;
  readonly #record: RequestRecord;
  readonly #kind: Step['kind'];
  readonly #startedMs = performance.now();
  readonly #span: StepUnderWay | null;

  constructor(record: RequestRecord, step: Step, parent: Steps | null, callerHeaders: TraceHeaders | null) {
    const span = parent?.begin(step) ?? null;
    this.#record = record;
    this.#kind = step.kind;
    this.#span = span;
    this.headers = span ? span.headers : callerHeaders;
  }

  begin(step: Step): StepUnderWay {
    return new TimedStep(this.#record, step, this.#span, this.headers);
  }

  end(end: StepEnd): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (this.#kind === 'exchange') this.#record.upstreamMs += elapsedMs;
    if (this.#kind === 'commit') this.#record.commitMs += elapsedMs;
    this.#span?.end(end);
  }
}

/** Records the failure of a part of a request. The first failure is kept, but one with the outcome UNKNOWN replaces any other. */
export function noteFailure(record: RequestRecord | undefined, code: string, outcome: string | null): void {
  if (!record || (record.code !== null && (outcome !== 'UNKNOWN' || record.outcome === 'UNKNOWN'))) return;
  record.code = code;
  record.outcome = outcome;
}

/** The outcome of the request's creates: CREATED if all succeeded, null if there were none. */
export function toOutcome({ code, outcome, operationType, upstreamMs, commitMs }: RequestRecord): string | null {
  if (code !== null) return outcome;
  return operationType === 'mutation' && upstreamMs + commitMs > 0 ? 'CREATED' : null;
}

/** The trace of one request; its steps are spans below that of the request. */
export interface RequestTrace extends Steps {
  readonly traceId: string;
  end(record: RequestRecord, status: number): void;
}

/** Creates the traces of requests. It never throws. */
export interface Tracing {
  /** `route` is the path if it is one of the gateway's own, otherwise null. */
  beginRequest(request: ObservedRequest, route: string | null): RequestTrace;
  /** Exports the remaining spans, and gives up after a few seconds. */
  close(): Promise<void>;
}

const SAFE = /^[\w.:-]{1,128}$/;

/** Returns the caller's `X-Request-Id` if it is safe to log and to forward, else a new ID. */
export function toRequestId(header: string | null | undefined): string {
  return header && SAFE.test(header) ? header : randomUUID();
}

/** The caller's span, from its headers (W3C Trace Context). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  /** The headers as received, to be forwarded if this gateway does not trace. */
  readonly headers: TraceHeaders;
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;
/** In version 00 nothing may follow the flags. */
const LONGER_VERSION_00 = /^00-.{53}/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Reads the caller's span from its headers; null if they do not name a valid one. */
export function parseTraceParent(
  traceparent: string | undefined,
  tracestate: string | readonly string[] | undefined,
): TraceParent | null {
  if (traceparent === undefined) return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags || LONGER_VERSION_00.test(traceparent)) return null;
  const state = tracestate?.toString();
  const headers = state && TRACESTATE.test(state) ? { traceparent, tracestate: state } : { traceparent };
  return { traceId, spanId, flags: Number.parseInt(flags, 16), headers };
}

/** Counts requests as they begin and end. */
export interface RequestMetrics {
  begin(): void;
  end(record: RequestRecord, status: number, durationMs: number): void;
}

export interface AnswerFacts {
  readonly status: number;
  readonly durationMs: number;
  /** True if the caller left before the answer was complete. */
  readonly isAborted: boolean;
}

/** Writes one line for a finished request; probes are logged at the level debug. */
export type RequestLog = (record: RequestRecord, answer: AnswerFacts) => void;

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
