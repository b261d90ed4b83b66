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
