import { createBoundedLabels, type Families, LATENCY_SECONDS } from './series.ts';
import type { RequestRecord } from './request-record.ts';

/** The metrics of HTTP requests and GraphQL operations. */
export type RequestMetrics = ReturnType<typeof createRequestMetrics>;

/** Limits the series, because callers choose the names of operations. */
const MAX_OPERATION_NAMES = 50;
const MAX_CODES = 50;

export function createRequestMetrics(families: Families) {
  const inFlight = families.gauge('gateway_http_requests_in_flight', 'HTTP requests in progress.')();
  const requests = families.counter('gateway_http_requests_total', 'HTTP requests by handler and status.', [
    'path',
    'status',
  ]);
  const durations = families.histogram(
    'gateway_http_request_duration_seconds',
    'Time from a request to its answer, by handler.',
    ['path'],
    LATENCY_SECONDS,
  );
  const operations = families.counter(
    'gateway_graphql_operations_total',
    'GraphQL requests by operation (anonymous: no name; none: did not run; other: not among the first 50 names that succeeded) and result (ok or the error code).',
    ['operation', 'result'],
  );
  const names = createBoundedLabels(MAX_OPERATION_NAMES);
  const codes = createBoundedLabels(MAX_CODES);

  return {
    begin: () => void (inFlight.value += 1),
    end(record: RequestRecord, status: number, durationMs: number) {
      const { path } = record;
      inFlight.value -= 1;
      requests(path, String(status)).value += 1;
      durations(path).observe(durationMs / 1000);
      if (path !== 'graphql') return;
      const { code } = record;
      if (record.operationType === null && code === null) return; // GraphiQL's page, or a preflight
      operations(toOperation(record, names), code === null ? 'ok' : codes.admit(code)).value += 1;
    },
  };
}

function toOperation(
  { operationName, operationType, code }: RequestRecord,
  names: ReturnType<typeof createBoundedLabels>,
): string {
  if (operationType === null) return 'none';
  if (operationName === null) return 'anonymous';
  return code === null ? names.admit(operationName) : names.find(operationName);
}
