import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PathClass, RequestRecord } from '../telemetry/request-record.ts';

/** Answers a request. A RequestRefusal that it throws is sent to the caller. */
export type Handler = (request: IncomingMessage, response: ServerResponse, record: RequestRecord) => Promise<void>;

/**
 * The table of paths. A new path is one row here, a PathClass in telemetry/request-record.ts, and a handler of that class in
 * http/server.ts; app/gateway.ts creates the handlers. Paths of the REST contract match in any case, as ASP.NET Web API 2 does.
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

/** Returns the class of a path, which selects its handler; `other` if the path is unknown. */
export function toPathClass(path: string): PathClass {
  return EXACT.get(path) ?? PATTERNS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
}
