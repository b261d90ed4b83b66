import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets pages of the listed origins call the endpoint and read every answer, errors of HTTP itself included.
 * True when the request was a preflight, which is then answered.
 */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What clients send with a request beside what every page may: a page that is traced its place, and the last three Apollo Client. */
const ALLOWED_HEADERS = [
  'content-type',
  'authorization',
  'x-request-id',
  'traceparent',
  'tracestate',
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
];

/** Without origins no page of another origin may do anything, and a preflight is a request like any other. */
export function createCors(origins: readonly string[]): Cors {
  const allowed: ReadonlySet<string> = new Set(origins);
  return ({ method, headers }, response) => {
    if (allowed.size === 0) return false;
    // A cache must not give the answer for one origin to another.
    response.setHeader('Vary', 'Origin');
    if (headers.origin !== undefined && allowed.has(headers.origin)) {
      response.setHeader('Access-Control-Allow-Origin', headers.origin);
      response.setHeader('Access-Control-Allow-Credentials', 'true');
      response.setHeader('Access-Control-Expose-Headers', 'x-request-id');
    }
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    if (response.hasHeader('Access-Control-Allow-Origin')) {
      response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
      response.setHeader('Access-Control-Allow-Headers', ALLOWED_HEADERS.join(', '));
      response.setHeader('Access-Control-Max-Age', '600');
    }
    response.writeHead(204, { 'Content-Length': 0 }).end();
    return true;
  };
}
