import type { HttpRequest } from '../../src/http/answer.ts';
import { findRoute } from '../../src/http/request-handler.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestObservation, type RequestRecord } from '../../src/telemetry/request-record.ts';

export interface RequestParts extends Partial<Omit<HttpRequest, 'headers' | 'readBody'>> {
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Returns a request as data, without a server. */
export function toHttpRequest({ body = '', headers: given = {}, ...parts }: RequestParts): HttpRequest {
  const bytes = Buffer.from(body);
  const headers = { ...(body === '' ? {} : { 'content-length': String(bytes.length) }), ...given };
  return {
    method: 'POST',
    url: '/',
    headers,
    rawHeaders: Object.entries(headers).flat(),
    httpVersionMinor: 1,
    remoteAddress: '127.0.0.1',
    readBody: async (maxBytes) => (bytes.length > maxBytes ? null : bytes),
    ...parts,
  };
}

/** Returns the record of a request that is not logged, counted or traced. */
export function toRecord(requestId: string): RequestRecord {
  const { requests } = createMetrics();
  const observation = createRequestObservation({ metrics: requests, requestLog: () => undefined, tracing: null });
  return observation.begin({ method: 'POST', headers: {} }, findRoute('/'), requestId);
}
