import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets pages of the listed origins call the endpoint and read every answer, HTTP errors included. Returns true if the request
 * was a preflight, which it has then answered.
 */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface CorsOptions {
  readonly origins: readonly string[];
  /** Called for a preflight whose header names are too long or invalid. */
  readonly onRefused: () => void;
}

/** Header names, separated by commas. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~, \t-]{1,1000}$/;

/**
 * Creates the CORS check. Without origins, pages of other origins may do nothing, and a preflight is an ordinary request. A
 * listed origin may send all headers that it asks for, since clients add their own, for tracing and against CSRF.
 */
export function createCors({ origins, onRefused }: CorsOptions): Cors {
  const allowed: ReadonlySet<string> = new Set(origins);
  return ({ method, headers }, response) => {
    if (allowed.size === 0) return false;
    // A cache must not serve the answer for one origin to another.
    response.setHeader('Vary', 'Origin');
    if (headers.origin !== undefined && allowed.has(headers.origin)) {
      response.setHeader('Access-Control-Allow-Origin', headers.origin);
      response.setHeader('Access-Control-Allow-Credentials', 'true');
      response.setHeader('Access-Control-Expose-Headers', 'x-request-id');
    }
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    if (response.hasHeader('Access-Control-Allow-Origin')) {
      response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
      response.setHeader('Access-Control-Max-Age', '600');
      const names = headers['access-control-request-headers'];
      if (names !== undefined) {
        if (HEADER_NAMES.test(names)) response.setHeader('Access-Control-Allow-Headers', names);
        else onRefused();
      }
    }
    response.writeHead(204, { 'Content-Length': 0 }).end();
    return true;
  };
}
