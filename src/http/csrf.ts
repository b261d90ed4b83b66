import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers with which no browser sends a page's request before it has asked the server. Any value will do. */
const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name', 'x-graphql-yoga-csrf'] as const;

/** What an HTML form can send; and what has no type at all. */
const SIMPLE_TYPES: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

/**
 * True for a request that the page of any origin could make a browser send without being asked (a CSRF): of a simple type,
 * and with no header that forces a preflight. A bearer token is such a header; other credentials browsers add by themselves.
 * @param type the media type that the Content-Type names, in lower case; empty where it names none.
 */
export function isSimpleRequest(headers: IncomingHttpHeaders, type: string): boolean {
  if (!SIMPLE_TYPES.has(type) || /^Bearer /i.test(headers.authorization ?? '')) return false;
  return PREFLIGHT_HEADERS.every((name) => headers[name] === undefined);
}

/** True for a request of which a browser says that a page of another origin wants it; browsers say so to loopback and over TLS. */
export function isOfAnotherOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'same-origin' && site !== 'none');
}
