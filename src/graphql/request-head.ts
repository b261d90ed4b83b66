import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { mediaTypeName, parseAccepted, preferred } from '../wire/media-type.ts';
import { isOfAnotherOrigin, isSimpleRequest } from '../http/csrf.ts';

/** The media types of a GraphQL answer. */
export type AnswerType = 'application/json' | 'application/graphql-response+json';

/** The parts of a request's head that the answer depends on. */
export interface RequestHead {
  /** The media type of the body, in lower case and without parameters; empty for a GET. */
  readonly bodyType: string;
  readonly answerType: AnswerType;
}

/** A request that is refused by its head alone. */
export interface HeadRefusal {
  readonly status: 403 | 405 | 406 | 415;
  readonly problem: string;
  readonly headers: Readonly<Record<string, string>>;
}

const ANSWER_TYPES = ['application/json', 'application/graphql-response+json'] as const satisfies readonly AnswerType[];
const BODY_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/graphql+json',
  'application/graphql',
  'application/x-www-form-urlencoded',
]);
const METHOD: HeadRefusal = {
  status: 405,
  problem: 'GraphQL is asked for with GET or POST.',
  headers: { Allow: 'GET, POST' },
};
const FORGEABLE: HeadRefusal = {
  status: 403,
  problem:
    'Any web page could have sent this request: send JSON with Content-Type: application/json, a bearer token, ' +
    'or the header Apollo-Require-Preflight.',
  headers: {},
};
const BODY_TYPE: HeadRefusal = {
  status: 415,
  problem: `The Content-Type of the body is not read here: send one of ${[...BODY_TYPES].join(', ')}.`,
  headers: { 'Accept-Post': [...BODY_TYPES].join(', ') },
};
const ANSWER_TYPE: HeadRefusal = {
  status: 406,
  problem: `The Accept header allows no type of answer that is written here: accept one of ${ANSWER_TYPES.join(', ')}.`,
  headers: {},
};

/**
 * Decides by the head of a request whether it may run: a request that is refused later may have created a task already.
 * @param simpleGets whether a GET that any page could send is answered unless a browser says that one did.
 */
export function readRequestHead(request: IncomingMessage, simpleGets: boolean): RequestHead | HeadRefusal {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST') return METHOD;
  const type = toMediaTypeName(headers['content-type'] ?? '');
  const isAllowedGet = simpleGets && method === 'GET' && !isOfAnotherOrigin(request);
  if (!isAllowedGet && isSimpleRequest(headers, type)) return FORGEABLE;
  if (method === 'POST' && !BODY_TYPES.has(type)) return BODY_TYPE;
  const answerType = toAnswerType(headers.accept || '*/*');
  return answerType ? { bodyType: method === 'POST' ? type : '', answerType } : ANSWER_TYPE;
}

/** True for a GET that would rather have a page than a GraphQL answer, as a browser's address bar sends it. */
export function prefersPage(method: string | undefined, { accept }: IncomingHttpHeaders): boolean {
  if (method !== 'GET' || accept === undefined) return false;
  return preferred(parseAccepted(accept), [...ANSWER_TYPES, 'text/html'], 'header') === 'text/html';
}

const toMediaTypeName = remember(mediaTypeName);
/** Answers are UTF-8, and JSON where a client does not care. */
const toAnswerType = remember((accept: string) => {
  const accepted = parseAccepted(accept).filter(({ charset }) => charset === null || charset === 'utf-8');
  return preferred(accepted, ANSWER_TYPES, 'header');
});

const MAX_REMEMBERED = 100;
const MAX_REMEMBERED_LENGTH = 200;

/** Remembers the meaning of short header texts, of which clients send the same few. */
function remember<Meaning>(read: (text: string) => Meaning): (text: string) => Meaning {
  const meanings = new Map<string, Meaning>();
  return (text) => {
    const known = meanings.get(text);
    if (known !== undefined) return known;
    const meaning = read(text);
    if (meanings.size === MAX_REMEMBERED) meanings.clear();
    if (text.length <= MAX_REMEMBERED_LENGTH) meanings.set(text, meaning);
    return meaning;
  };
}
