import type { IncomingHttpHeaders } from 'node:http';
import type { PathClass, RequestRecord } from '../telemetry/request-record.ts';
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
 * The table of paths. A new path is one row here, a PathClass in telemetry/request-record.ts, and a handler of that class in
 * app/gateway.ts. Paths of the REST contract match in any case, as ASP.NET Web API 2 does.
 */
const ROUTES: readonly (readonly [path: string | RegExp, pathClass: PathClass])[] = [
  ['/graphql', 'graphql'],
  ['/health', 'health'],
  ['/ready', 'ready'],
  ['/metrics', 'metrics'],
  [/^\/token$/i, 'token'],
  [/^\/api\//i, 'rest'],
];
const EXACT = new Map(ROUTES.filter((route): route is [string, PathClass] => typeof route[0] === 'string'));
const PATTERNS = ROUTES.filter((route): route is [RegExp, PathClass] => typeof route[0] !== 'string');

/** Returns the class of a URL's path, which selects its handler; `other` if the path is unknown. */
export function toPathClass(url: string): PathClass {
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  return EXACT.get(path) ?? PATTERNS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
}
