import type { IncomingHttpHeaders } from 'node:http';

/** Headers that make a browser send a preflight before a page's request. Any value works. */
const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name', 'x-graphql-yoga-csrf'] as const;

/** The media types that an HTML form can send, and the absence of one. */
const SIMPLE_TYPES: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

/**
 * Returns true for a request that a page of any origin could make a browser send without a preflight (CSRF): it has a simple
 * type and no header that forces a preflight. A bearer token does; browsers add other credentials by themselves.
 * @param type the media type of the Content-Type, in lower case; empty if absent.
 */
export function isSimpleRequest(headers: IncomingHttpHeaders, type: string): boolean {
  if (!SIMPLE_TYPES.has(type) || /^Bearer /i.test(headers.authorization ?? '')) return false;
  return PREFLIGHT_HEADERS.every((name) => headers[name] === undefined);
}

/** Returns true if a browser marks the request as coming from a page of another origin, as it does over TLS and to loopback. */
export function isOfAnotherOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'same-origin' && site !== 'none');
}
