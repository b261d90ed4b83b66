import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PathClass, RequestRecord } from '../telemetry/request-record.ts';

/** Answers a request. A RequestRefusal that it throws is sent to the caller. */
export type Handler = (request: IncomingMessage, response: ServerResponse, record: RequestRecord) => Promise<void>;

const OWN_PATHS: ReadonlyMap<string, PathClass> = new Map([
  ['/graphql', 'graphql'],
  ['/health', 'health'],
  ['/ready', 'ready'],
  ['/metrics', 'metrics'],
]);

/** What answers a path. The contract's paths are found in any case. */
export function toPathClass(path: string): PathClass {
  const own = OWN_PATHS.get(path);
  if (own) return own;
  if (/^\/token$/i.test(path)) return 'token';
  return /^\/api\//i.test(path) ? 'rest' : 'other';
}
