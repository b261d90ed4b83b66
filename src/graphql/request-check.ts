/**
 * Decides whether a GraphQL request may run, by its head and then by its parameters. Each refusal says what is wrong and what is
 * expected. The head decides first, since a refused request must not have created a task: 405 for the method, 403 for a forgeable
 * request, 415 for the Content-Type, 406 for the Accept header, which also says in which media type the request is answered.
 * The parser of media types is in wire/media-type.ts; REST decides in rest/rest-answer.ts.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { type HttpRequest, JSON_HEADERS, RequestRefusal } from '../http/answer.ts';
import { mediaTypeName, parseAccepted, preferred } from '../wire/media-type.ts';
import { findTrustedQuery, type TrustedDocuments } from './trusted-documents.ts';

/** The media types of a GraphQL answer. */
export type AnswerType = 'application/json' | 'application/graphql-response+json';

const ANSWER_TYPES = ['application/json', 'application/graphql-response+json'] as const satisfies readonly AnswerType[];

/** The headers of an answer in each media type. */
export const ANSWER_HEADERS: Readonly<Record<AnswerType, Readonly<Record<string, string>>>> = {
  'application/json': JSON_HEADERS,
  'application/graphql-response+json': {
    ...JSON_HEADERS,
    'Content-Type': 'application/graphql-response+json; charset=utf-8',
  },
};

/** Returns true for a GET that prefers a page to a GraphQL answer, as a browser's address bar sends it. */
export function prefersGraphiql({ method, headers: { accept } }: Pick<HttpRequest, 'method' | 'headers'>): boolean {
  if (method !== 'GET' || accept === undefined) return false;
  return preferred(parseAccepted(accept), [...ANSWER_TYPES, 'text/html'], 'header') === 'text/html';
}

/** Returns the media type to answer in: application/json if the client has no preference, null if it accepts neither type. */
const toAnswerType = memoizeByHeader((accept: string) => {
  const accepted = parseAccepted(accept).filter(({ charset }) => charset === null || charset === 'utf-8');
  return preferred(accepted, ANSWER_TYPES, 'header');
});

/** Memoizes a reader of header values, since clients send the same few. */
function memoizeByHeader<Meaning>(read: (text: string) => Meaning): (text: string) => Meaning {
  const meanings = createBoundedCache<Meaning>({ maxEntries: 100, maxLength: 5_000 });
  return (text) => {
    const known = meanings.get(text);
    if (known !== undefined) return known;
    const meaning = read(text);
    meanings.set(text, meaning);
    return meaning;
  };
}

/** The media types of a request that may run. */
export interface RequestHead {
  /** The media type of the body, in lower case and without parameters; empty for a GET. */
  readonly bodyType: string;
  readonly answerType: AnswerType;
}

const BODY_TYPES: readonly string[] = [
  'application/json',
  'application/graphql+json',
  'application/graphql',
  'application/x-www-form-urlencoded',
];
const FORGEABLE =
  'Any web page could send this request (cross-site request forgery). Send Content-Type: application/json, a bearer ' +
  'token, or the header Apollo-Require-Preflight.';
/** The refusal of a browser that opens /graphql. */
const GRAPHIQL_IS_OFF =
  'GraphiQL is off on this gateway; GRAPHIQL=on turns it on. To send a query with GET, add a bearer token or the header ' +
  'Apollo-Require-Preflight.';

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
 * Returns the media types of a request.
 * @param simpleGets true to answer a GET that any web page could send, unless the browser names another origin.
 * @throws RequestRefusal because of its method or headers.
 */
export function readRequestHead(request: Pick<HttpRequest, 'method' | 'headers'>, simpleGets: boolean): RequestHead {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST')
    throw refusal(405, 'The method of a GraphQL request must be GET or POST.', { Allow: 'GET, POST' });
  const type = toMediaTypeName(headers['content-type'] ?? '');
  const isAllowedGet = simpleGets && method === 'GET' && !isOfAnotherOrigin(headers);
  if (!isAllowedGet && isSimpleRequest(headers, type))
    throw refusal(403, prefersGraphiql(request) ? GRAPHIQL_IS_OFF : FORGEABLE);
  if (method === 'POST' && !BODY_TYPES.includes(type))
    throw refusal(415, `Content-Type: expected application/json or one of ${BODY_TYPES.slice(1).join(', ')}.`, {
      'Accept-Post': BODY_TYPES.join(', '),
    });
  const answerType = toAnswerType(headers.accept || '*/*');
  if (!answerType) throw refusal(406, `Accept: expected ${ANSWER_TYPES.join(' or ')} in UTF-8, or */*.`);
  return { bodyType: method === 'POST' ? type : '', answerType };
}

function refusal(status: number, problem: string, headers: Readonly<Record<string, string>> = {}): RequestRefusal {
  return new RequestRefusal(problem, { status, code: status === 403 ? 'FORBIDDEN' : 'BAD_REQUEST', headers });
}

const toMediaTypeName = memoizeByHeader(mediaTypeName);

/**
 * Returns true for a request that a page of any origin could make a browser send without a preflight (CSRF): it has a simple
 * type and no header that forces a preflight. A bearer token does; browsers add other credentials by themselves.
 * @param type the media type of the Content-Type, in lower case; empty if absent.
 */
function isSimpleRequest(headers: IncomingHttpHeaders, type: string): boolean {
  if (!SIMPLE_TYPES.has(type) || /^Bearer /i.test(headers.authorization ?? '')) return false;
  return PREFLIGHT_HEADERS.every((name) => headers[name] === undefined);
}

/** Returns true if a browser marks the request as coming from a page of another origin, as it does over TLS and to loopback. */
function isOfAnotherOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'same-origin' && site !== 'none');
}

export interface GraphqlParameters {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName: string | null | undefined;
}

const NAMES: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);
const EXAMPLE = '{"query": "{ __typename }"}';

/** Reads the parameters from a body in JSON. */
export function readJsonParameters(body: string, trusted: TrustedDocuments | null): GraphqlParameters {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    throw badRequest(`body: expected a JSON object such as ${EXAMPLE}, got text that is not JSON`);
  }
  if (Array.isArray(given))
    throw badRequest('body: expected one JSON object, got a list. Send each operation by itself.');
  if (typeof given !== 'object' || given === null)
    throw badRequest(`body: expected a JSON object such as ${EXAMPLE}, got ${toKind(given)}`);
  return checkParameters(given, trusted, `Send a body such as ${EXAMPLE}.`);
}

/**
 * Returns the parameters of a request. Where documents are trusted, the query is the one that the request names.
 * @param hint says how to send a query.
 */
export function checkParameters(given: object, trusted: TrustedDocuments | null, hint: string): GraphqlParameters {
  const { query, variables, operationName, extensions } = given as Readonly<Record<string, unknown>>;
  for (const name in given) if (!NAMES.has(name)) checkUnknown(name, given, trusted);
  if (operationName != null && typeof operationName !== 'string')
    throw badRequest(`operationName: expected a string or null, got ${toKind(operationName)}`);
  if (!isAbsentOrObject(variables)) throw badRequest(`variables: expected an object or null, got ${toKind(variables)}`);
  if (!isAbsentOrObject(extensions))
    throw badRequest(`extensions: expected an object or null, got ${toKind(extensions)}`);
  if (query != null && typeof query !== 'string')
    throw badRequest(`query: expected a GraphQL document, got ${toKind(query)}`);
  if (trusted) return { query: findTrustedQuery(trusted, given), variables, operationName };
  // The words that automatic persisted queries define, so that clients send the text.
  if (!query && extensions?.['persistedQuery'])
    throw new GraphQLError('PersistedQueryNotSupported', { extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } });
  if (query == null) throw badRequest(`query: expected a GraphQL document, got none. ${hint}`);
  return { query, variables, operationName };
}

function checkUnknown(name: string, given: object, trusted: TrustedDocuments | null): void {
  if ((trusted && name === 'documentId') || (given as Readonly<Record<string, unknown>>)[name] == null) return;
  throw badRequest(`body: expected only query, variables, operationName and extensions, got ${JSON.stringify(name)}`);
}

function isAbsentOrObject(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

function toKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The refusal of a malformed request. Its status is 400 in every media type. */
export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}
