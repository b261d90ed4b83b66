import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RestEndpoint } from '../rest/account-task-endpoint.ts';
import type { Metrics } from './metrics.ts';
import { readBody } from './request-body.ts';
import { noteFailure, type RequestRecord } from './request-record.ts';

export interface RestHandlerOptions {
  readonly rest: RestEndpoint;
  readonly maxBodyBytes: number;
  readonly metrics: Metrics;
}

export type RestHandler = (request: IncomingMessage, response: ServerResponse, record: RequestRecord) => Promise<void>;

/** True for the paths that the REST face answers, with a 404 of its own where it has nothing. */
export function isRestPath(path: string): boolean {
  return /^\/api\//i.test(path);
}

/** The REST face as a handler of node's HTTP server. */
export function createRestHandler({ rest, maxBodyBytes, metrics }: RestHandlerOptions): RestHandler {
  return async (request, response, record) => {
    const body = await readBody(request, maxBodyBytes);
    if (body === null) metrics.countRefusal('body_bytes');
    if (request.method === 'POST') record.operationType = 'mutation';
    const {
      status,
      headers,
      body: answer,
    } = await rest({
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      header: (name) => request.headers[name]?.toString() ?? null,
      idempotencyKeys: request.headersDistinct['idempotency-key'] ?? [],
      body,
      requestId: record.requestId,
      beginStep: record.beginStep,
      noteFailure: (code, outcome) => noteFailure(record, code, outcome),
    });
    response.writeHead(status, { ...headers, 'Content-Length': answer.byteLength }).end(answer);
  };
}
