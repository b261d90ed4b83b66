import type { PathClass } from '../telemetry/request-record.ts';
import { isRestPath } from '../rest/rest-handler.ts';

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
  return isRestPath(path) ? 'rest' : 'other';
}
