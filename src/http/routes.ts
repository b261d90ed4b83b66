import type { IncomingHttpHeaders } from 'node:http';
import type { RequestRecord, Route } from '../telemetry/request-record.ts';
import type { Answer } from './answer.ts';

/** A request as data, whichever way it arrived. */
export interface HttpRequest {
  readonly method: string;
  /** The path and query, with and without a proxy. */
  readonly url: string;
  /** In Node's form: names in lower case, the values of a repeated header joined or only the first. */
  readonly headers: IncomingHttpHeaders;
  /** The names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[];
  readonly httpVersionMinor: number;
  /** The peer of the connection; empty if it is unknown. */
  readonly remoteAddress: string;
  /**
   * Reads the body, and sends "100 Continue" to a caller that waits for it. Resolves with null as soon as the body is known to
   * be larger than `maxBytes`; no more of it is read before the answer is sent.
   * @throws RequestRefusal if there is no room for it.
   */
  readBody(maxBytes: number): Promise<Buffer | null>;
}

/** Answers a request. A RequestRefusal that it throws is sent to the caller. */
export type Handler = (request: HttpRequest, record: RequestRecord) => Promise<Answer>;

/**
 * The table of paths. A new path is one row here and a handler of its name in app/gateway.ts. Paths of the REST contract match
 * in any case, as ASP.NET Web API 2 does.
 */
const ROUTES = [
  { path: '/graphql', name: 'graphql', template: '/graphql', isProbe: false },
  { path: '/health', name: 'health', template: '/health', isProbe: true },
  { path: '/ready', name: 'ready', template: '/ready', isProbe: true },
  { path: '/metrics', name: 'metrics', template: '/metrics', isProbe: true },
  { path: /^\/token$/i, name: 'token', template: '/Token', isProbe: false },
  { path: /^\/api\//i, name: 'rest', template: '/api/v2/admin/tasks/account', isProbe: false },
] as const satisfies readonly (Route & { readonly path: string | RegExp })[];
const OTHER = { name: 'other', template: null, isProbe: false } as const;

/** The name of a row; `other` if no path matches. */
export type RouteName = (typeof ROUTES)[number]['name'] | 'other';

/** Returns the route of a URL's path. */
export function findRoute(url: string): Route & { readonly name: RouteName } {
  const end = url.indexOf('?');
  const asked = end === -1 ? url : url.slice(0, end);
  return ROUTES.find(({ path }) => (typeof path === 'string' ? path === asked : path.test(asked))) ?? OTHER;
}
