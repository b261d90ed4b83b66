import type { RestEndpoint } from './account-task-endpoint.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isLargeRest } from '../http/dropped-bodies.ts';
import type { RequestBodies } from '../http/request-body.ts';
import type { Handler } from '../http/routes.ts';
import { noteFailure } from '../telemetry/request-record.ts';

export interface RestHandlerOptions {
  readonly rest: RestEndpoint;
  readonly bodies: RequestBodies;
  readonly maxBodyBytes: number;
  readonly metrics: Metrics;
}

/** Adapts the REST endpoint to a handler of node's HTTP server. */
export function createRestHandler({ rest, bodies, maxBodyBytes, metrics }: RestHandlerOptions): Handler {
  return async (request, response, record) => {
    if (request.method === 'POST') record.operationType = 'mutation';
    const { headers: requestHeaders } = request;
    const {
      status,
      headers,
      body: answer,
    } = await rest({
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      header: (name) => requestHeaders[name]?.toString() ?? null,
      idempotencyKeys: request.headersDistinct['idempotency-key'] ?? [],
      hasBody: Number(requestHeaders['content-length']) > 0 || requestHeaders['transfer-encoding'] !== undefined,
      async readBody() {
        const body = await bodies.read(request, response, maxBodyBytes);
        if (body === null) metrics.countRefusal('body_bytes');
        return body;
      },
      requestId: record.requestId,
      noteFailure: (code, outcome) => noteFailure(record, code, outcome),
    });
    if (isLargeRest(request)) response.shouldKeepAlive = false;
    response.writeHead(status, { ...headers, 'Content-Length': answer.byteLength }).end(answer);
  };
}
