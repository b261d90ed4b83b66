import { expect, test } from 'vitest';
import { parseTraceParent } from '../../src/telemetry/request-record.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

test.each([
  ['the current version', `00-${TRACE_ID}-${SPAN_ID}-01`, 1],
  ['an unsampled span', `00-${TRACE_ID}-${SPAN_ID}-00`, 0],
  ['a later version', `01-${TRACE_ID}-${SPAN_ID}-03`, 3],
  ['a later version with more fields', `cc-${TRACE_ID}-${SPAN_ID}-01-what-else`, 1],
])('a traceparent of %s is accepted', (_, traceparent, flags) => {
  expect(parseTraceParent(traceparent, 'a=1')).toEqual({
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    flags,
    headers: { traceparent, tracestate: 'a=1' },
  });
});

test.each([
  ['no value', undefined],
  ['an empty one', ''],
  ['upper case', `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`],
  ['a trace ID of zeros', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
  ['a span ID of zeros', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
  ['the forbidden version', `ff-${TRACE_ID}-${SPAN_ID}-01`],
  ['more fields than version 00 has', `00-${TRACE_ID}-${SPAN_ID}-01-more`],
  ['too few fields', `00-${TRACE_ID}-${SPAN_ID}`],
  ['two headers in one', `00-${TRACE_ID}-${SPAN_ID}-01, 00-${TRACE_ID}-${SPAN_ID}-01`],
  ['a line break', `00-${TRACE_ID}-${SPAN_ID}-01\r\nX: 1`],
])('a traceparent with %s is rejected', (_, traceparent) => {
  expect(parseTraceParent(traceparent, 'a=1')).toBeNull();
});

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['one that is too long', 'a'.repeat(513)],
  ['one with invalid characters', 'a=\u0000'],
])('a tracestate that cannot be forwarded is omitted: %s', (_, tracestate) => {
  const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;
  expect(parseTraceParent(traceparent, tracestate)?.headers).toEqual({ traceparent });
});
