/**
 * Decides from a request's method and headers whether it may run: 405 for the method, 403 for a forgeable request, 415 for
 * the Content-Type, 406 for the Accept header (see accept.ts). All of it comes first, since a refused request must not
 * have created a task.
 */
import type { HttpRequest } from '../http/routes.ts';
import { mediaTypeName } from '../wire/media-type.ts';
import { isOfAnotherOrigin, isSimpleRequest } from '../http/csrf.ts';
import { type AnswerType, memoizeByHeader, NOT_ACCEPTABLE, toAnswerType } from './accept.ts';

/** The media types of a request that may run. */
export interface RequestHead {
  /** The media type of the body, in lower case and without parameters; empty for a GET. */
  readonly bodyType: string;
  readonly answerType: AnswerType;
}

/** The refusal of a request because of its method or headers. */
export interface HeadRefusal {
  readonly status: 403 | 405 | 406 | 415;
  readonly problem: string;
  readonly headers: Readonly<Record<string, string>>;
}

const BODY_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/graphql+json',
  'application/graphql',
  'application/x-www-form-urlencoded',
]);
const METHOD: HeadRefusal = {
  status: 405,
  problem: 'The method of a GraphQL request must be GET or POST.',
  headers: { Allow: 'GET, POST' },
};
const FORGEABLE: HeadRefusal = {
  status: 403,
  problem:
    'Any web page could send this request (cross-site request forgery). Send Content-Type: application/json, a bearer ' +
    'token, or the header Apollo-Require-Preflight.',
  headers: {},
};
const BODY_TYPE: HeadRefusal = {
  status: 415,
  problem: `Content-Type: expected application/json or one of ${[...BODY_TYPES].slice(1).join(', ')}.`,
  headers: { 'Accept-Post': [...BODY_TYPES].join(', ') },
};

/**
 * Returns the media types of a request, or its refusal.
 * @param simpleGets true to answer a GET that any web page could send, unless the browser names another origin.
 */
export function readRequestHead(
  request: Pick<HttpRequest, 'method' | 'headers'>,
  simpleGets: boolean,
): RequestHead | HeadRefusal {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST') return METHOD;
  const type = toMediaTypeName(headers['content-type'] ?? '');
  const isAllowedGet = simpleGets && method === 'GET' && !isOfAnotherOrigin(headers);
  if (!isAllowedGet && isSimpleRequest(headers, type)) return FORGEABLE;
  if (method === 'POST' && !BODY_TYPES.has(type)) return BODY_TYPE;
  const answerType = toAnswerType(headers);
  return answerType ? { bodyType: method === 'POST' ? type : '', answerType } : NOT_ACCEPTABLE;
}

const toMediaTypeName = memoizeByHeader(mediaTypeName);
