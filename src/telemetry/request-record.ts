import type { BeginStep } from '../contract/call-steps.ts';
import type { IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';

/** What answers a request; a path that anybody may invent is `other`. */
export type PathClass = 'graphql' | 'rest' | 'token' | 'health' | 'ready' | 'metrics' | 'other';

/** What is known of one request; every part of the server notes what it knows, and the log, metrics and trace are made of it. */
export interface RequestRecord {
  readonly requestId: string;
  readonly path: PathClass;
  readonly method: string;
  /** Of the caller's trace or of the one that begins here; null: there is none. */
  readonly traceId: string | null;
  /** In milliseconds of `performance.now()`. */
  readonly startedMs: number;
  /** Of the operation that ran; null: none has, or it has no name. */
  operationName: string | null;
  /** Null: no operation has run. */
  operationType: string | null;
  /** Of the failure that decides; null: there was none. */
  code: string | null;
  outcome: string | null;
  /** Summed over the request's exchanges with the service. */
  upstreamMs: number;
  /** Summed over the commits that the request had a part in. */
  commitMs: number;
  /** How many of the request's failures have a line in the log. */
  failuresLogged: number;
  /** How many have none, or no error in the answer. */
  failuresLeftOut: number;
  readonly beginStep: BeginStep;
  /** The memory reserved for its GraphQL answer; null before there is one. */
  answer: { readonly reservedBytes: number } | null;
}

/** Notes how a part of a request failed: the first failure decides, unless of a later one the fate is unknown. */
export function noteFailure(record: RequestRecord | undefined, code: string, outcome: string | null): void {
  if (!record || (record.code !== null && (outcome !== 'UNKNOWN' || record.outcome === 'UNKNOWN'))) return;
  record.code = code;
  record.outcome = outcome;
}

/** What became of the request's creates: CREATED where they did without a failure; null where nothing was to be created. */
export function toOutcome({ code, outcome, operationType, upstreamMs, commitMs }: RequestRecord): string | null {
  if (code !== null) return outcome;
  return operationType === 'mutation' && upstreamMs + commitMs > 0 ? 'CREATED' : null;
}

/** One request in a trace. */
export interface RequestTrace {
  readonly traceId: string;
  /** Its steps are spans below the request's. */
  readonly beginStep: BeginStep;
  end(record: RequestRecord, status: number): void;
}

/** Where traces go. It never throws. */
export interface Tracing {
  /** `route` is the path where it is one of the gateway's own. */
  beginRequest(method: string, route: string | null, headers: IncomingHttpHeaders): RequestTrace;
  /** Sends what was not sent yet, but waits for nobody for long. */
  close(): Promise<void>;
}

const SAFE = /^[\w.:-]{1,128}$/;

/** The caller's own `X-Request-Id` where it is safe to log and to pass on, else a new one. */
export function toRequestId(header: string | null | undefined): string {
  return header && SAFE.test(header) ? header : randomUUID();
}

/** Where a caller's request stands in a trace (W3C Trace Context). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  /** The headers as they came, to be passed on where this gateway traces nothing itself. */
  readonly headers: Readonly<Record<string, string>>;
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;
/** Version 00 ends with the flags. */
const LONGER_VERSION_00 = /^00-.{53}/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** The caller's place in a trace; null where its headers do not say one. */
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
