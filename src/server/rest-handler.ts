import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RestEndpoint } from '../rest/account-task-endpoint.ts';
import { readBody } from './request-body.ts';

export interface RestHandlerOptions {
  readonly rest: RestEndpoint;
  readonly maxBodyBytes: number;
}

export type RestHandler = (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<void>;

/** True for the paths that the REST face answers, with a 404 of its own where it has nothing. */
export function isRestPath(path: string): boolean {
  return /^\/api\//i.test(path);
}

/** The REST face as a handler of node's HTTP server. */
export function createRestHandler({ rest, maxBodyBytes }: RestHandlerOptions): RestHandler {
  return async (request, response, requestId) => {
    const body = await readBody(request, maxBodyBytes);
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
      requestId,
    });
    response.writeHead(status, { ...headers, 'Content-Length': answer.byteLength }).end(answer);
  };
}
