import type { HttpRequest } from './answer.ts';

/** The headers that an answer needs so that pages of the listed origins can read it, HTTP errors included; null without any. */
export type Cors = (request: Pick<HttpRequest, 'method' | 'headers'>) => {
  readonly headers: Readonly<Record<string, string>>;
  /** True if the request asks for permission only; its answer is these headers. */
  readonly isPreflight: boolean;
} | null;

export interface CorsOptions {
  readonly origins: readonly string[];
  /** Called for a preflight whose header names are too long or invalid. */
  readonly onRefused: () => void;
  /** Called for a preflight of an origin that is not listed. */
  readonly onForbidden: (origin: string) => void;
}

/** Header names, separated by commas. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~, \t-]{1,1000}$/;

/**
 * Creates the CORS check. Without origins, pages of other origins may do nothing. A listed origin may send all headers that it
 * asks for, since clients add their own, for tracing and against CSRF.
 */
export function createCors({ origins, onRefused, onForbidden }: CorsOptions): Cors {
  const allowed: ReadonlySet<string> = new Set(origins);
  return ({ method, headers: asked }) => {
    const { origin } = asked;
    const isPreflight = method === 'OPTIONS' && asked['access-control-request-method'] !== undefined;
    const isAllowed = origin !== undefined && allowed.has(origin);
    if (isPreflight && origin !== undefined && !isAllowed) onForbidden(origin);
    if (allowed.size === 0) return null;
    // A cache must not serve the answer for one origin to another.
    const headers: Record<string, string> = { Vary: 'Origin' };
    if (!isAllowed) return { headers, isPreflight };
    headers['Access-Control-Allow-Origin'] = origin;
    headers['Access-Control-Allow-Credentials'] = 'true';
    headers['Access-Control-Expose-Headers'] = 'x-request-id';
    if (isPreflight) {
      headers['Access-Control-Allow-Methods'] = 'GET, POST';
      headers['Access-Control-Max-Age'] = '600';
      const names = asked['access-control-request-headers'];
      if (names !== undefined && HEADER_NAMES.test(names)) headers['Access-Control-Allow-Headers'] = names;
      else if (names !== undefined) onRefused();
    }
    return { headers, isPreflight };
  };
}
