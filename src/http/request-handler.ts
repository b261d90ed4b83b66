/**
 * Everything that holds for every request, over data: request IDs, header checks, limits, CORS, refusals, errors and
 * observation. It imports no GraphQL, REST or authentication; app/gateway.ts passes the handlers in.
 */
import { OPERATIONS } from '../contract/operations.ts';
import { Buffer } from 'node:buffer';
import { withSteps } from '../event-loop/request-steps.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  noteFailure,
  type RequestObservation,
  type RequestRecord,
  type Route,
  toRequestId,
} from '../telemetry/request-record.ts';
import { type Answer, errorAnswer, type Handler, type HttpRequest, RequestRefusal } from './answer.ts';
import { findHeaderProblem, HTTP_BOUNDS } from './bounds.ts';
import type { AddressLimit } from './client-address.ts';
import type { BodySource } from './request-body.ts';

/**
 * The table of paths. A new path is one row here and a handler of its name in app/gateway.ts. Paths of the REST contract match
 * in any case, as ASP.NET Web API 2 does.
 */
const ROUTES = [
  { path: '/', name: 'home', template: '/', isProbe: false },
  { path: '/graphql', name: 'graphql', template: '/graphql', isProbe: false },
  { path: '/health', name: 'health', template: '/health', isProbe: true },
  { path: '/ready', name: 'ready', template: '/ready', isProbe: true },
  { path: '/metrics', name: 'metrics', template: '/metrics', isProbe: true },
  { path: /^\/token$/i, name: 'token', template: '/Token', isProbe: false },
  { path: '/api/openapi.json', name: 'openapi', template: '/api/openapi.json', isProbe: false },
  { path: /^\/api\//i, name: 'rest', template: null, isProbe: false },
] as const satisfies readonly (Route & { readonly path: string | RegExp })[];
const OTHER = { name: 'other', template: null, isProbe: false } as const;

/** The name of a row; `other` if no path matches. */
export type RouteName = (typeof ROUTES)[number]['name'] | 'other';

/** The paths of the contract, those without a parameter first: their words are not values of it. */
const REST_PATHS = Object.values(OPERATIONS)
  .map(({ path }) => `/${path.split('?')[0]}`)
  .toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
  .map((template) => ({ template, pattern: new RegExp(`^${template.replace('{id}', '[^/]+')}/?$`, 'i') }));

/** Returns the route of a URL's path. */
export function findRoute(url: string): Route & { readonly name: RouteName } {
  const end = url.indexOf('?');
  const asked = end === -1 ? url : url.slice(0, end);
  const route = ROUTES.find(({ path }) => (typeof path === 'string' ? path === asked : path.test(asked))) ?? OTHER;
  if (route.name !== 'rest') return route;
  return { ...route, template: REST_PATHS.find(({ pattern }) => pattern.test(asked))?.template ?? null };
}

/** A request and the way back to its caller. The two adapters implement it: server.ts and fetch-adapter.ts. */
export interface Exchange extends HttpRequest, BodySource {
  /** True once the whole request has arrived. */
  readonly isComplete: boolean;
  /** True if the caller left before it had the whole answer. */
  readonly isAborted: boolean;
  /** The bytes of the sent answer that are still in memory. */
  readonly unreadBytes: number;
  /** Calls back when the answer is read or its connection has ended. */
  onceClosed(work: () => void): void;
  /** Ends the connection, even if the answer is not read. */
  cutOff(): void;
  /** Sends an answer; it may change the headers. */
  send(status: number, headers: Record<string, string>, body: Answer['body']): void;
}

export interface RequestHandlerOptions {
  /** By the names of the routes; `other` answers those without a handler. */
  readonly handlers: Readonly<Partial<Record<RouteName, Handler>>> & { readonly other: Handler };
  /** Applied to GraphQL requests; null without GraphQL. */
  readonly cors: Cors | null;
  /** Null if the requests of an address are not limited. */
  readonly addressLimit: AddressLimit | null;
  readonly observation: RequestObservation;
  /** Called at the end of every request, before it is logged. */
  readonly onEnd: (record: RequestRecord, exchange: Exchange) => void;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  readonly log: Pick<Log, 'error' | 'warn'>;
  readonly maxHeaders?: number;
}

/** Answers a request. The adapter passes a refusal if it has a reason of its own. */
export type RequestHandler = (exchange: Exchange, refusal?: RequestRefusal) => void;

export function createRequestHandler({
  handlers,
  cors,
  addressLimit,
  observation,
  onEnd,
  metrics,
  log,
  maxHeaders = HTTP_BOUNDS.maxHeaders,
}: RequestHandlerOptions): RequestHandler {
  /** Returns the answer to a request that failed; null if its caller left before all of it had arrived. */
  const toFailureAnswer = (error: unknown, exchange: Exchange, record: RequestRecord): Answer | null => {
    const { requestId } = record;
    if (error instanceof RequestRefusal) {
      const { code, limit } = error.facts;
      if (limit) metrics.countRefusal(limit);
      noteFailure(record, code, 'NOT_SENT');
      return error.toAnswer(requestId, exchange.isComplete);
    }
    if (exchange.hasLeft && !exchange.isComplete) return null;
    log.error({ requestId, err: error }, 'unexpected error');
    noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
    // A mutation may have run, and gateways in front may repeat requests that are answered with a 5xx status.
    const mayHaveRun = record.path === 'graphql';
    const facts = { code: 'INTERNAL_SERVER_ERROR', requestId, ...(mayHaveRun && { outcome: 'UNKNOWN' as const }) };
    return errorAnswer(mayHaveRun ? 200 : 500, 'Unexpected error.', facts);
  };
  const reportOmitted = ({ requestId, failuresLogged, failuresLeftOut }: RequestRecord): void => {
    metrics.countRefusal('failures');
    if (failuresLogged > 0) log.warn({ requestId }, `and ${failuresLeftOut} more failures of this request`);
  };
  return (exchange, refusalOfAdapter) => {
    const route = findRoute(exchange.url);
    const record = observation.begin(exchange, route, toRequestId(exchange.headers['x-request-id']?.toString()));
    const crossOrigin = cors && route.name === 'graphql' ? cors(exchange) : null;
    const end = (given: Answer | null): void => {
      let answer = given;
      try {
        if (answer) send(exchange, answer, record.requestId, crossOrigin);
      } catch (error) {
        // A header has an invalid value, so nothing was sent.
        answer = toFailureAnswer(error, exchange, record);
        if (answer) send(exchange, answer, record.requestId, crossOrigin);
      }
      exchange.arriving?.release();
      addressLimit?.end(exchange);
      if (record.failuresLeftOut > 0) reportOmitted(record);
      onEnd(record, exchange);
      observation.end(record, answer?.status ?? null, exchange.isAborted);
    };
    const fail = (error: unknown): void => end(toFailureAnswer(error, exchange, record));
    const refusal = refusalOfAdapter ?? findHeaderProblem(exchange, maxHeaders) ?? addressLimit?.begin(exchange);
    // Refused at once: the rest of the connection may be malformed, too.
    if (refusal) fail(refusal);
    else if (crossOrigin?.isPreflight) end({ status: 204, headers: {}, body: '' });
    else withSteps(record, () => (handlers[route.name] ?? handlers.other)(exchange, record)).then(end, fail);
  };
}

/** Sends an answer with the headers that every answer has. */
function send(
  exchange: Exchange,
  { status, headers: own, body }: Answer,
  requestId: string,
  crossOrigin: ReturnType<Cors> | null,
): void {
  const headers: Record<string, string> = crossOrigin ? { ...crossOrigin.headers, ...own } : { ...own };
  headers['X-Request-Id'] = requestId;
  if (body !== null) headers['Content-Length'] = String(Buffer.byteLength(body));
  exchange.send(status, headers, body);
}

/** The headers that an answer needs so that pages of the listed origins can read it, HTTP errors included; null without any. */
type Cors = (request: Pick<HttpRequest, 'method' | 'headers'>) => {
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
