/**
 * Everything that the Accept header decides at /graphql: the media type of the answer, the refusal (406) of an Accept that
 * cannot be served, and GraphiQL for a browser. The parser is in wire/media-type.ts; REST decides in rest/negotiation.ts.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { JSON_HEADERS } from '../http/answer.ts';
import { parseAccepted, preferred } from '../wire/media-type.ts';

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

/** The refusal of a request whose Accept allows no answer type. It is sent before anything runs. */
export const NOT_ACCEPTABLE = {
  status: 406,
  problem: `Accept: expected ${ANSWER_TYPES.join(' or ')} in UTF-8, or */*.`,
  headers: {},
} as const;

/** Returns the media type to answer in: application/json if the client has no preference, null if it accepts neither type. */
export function toAnswerType({ accept }: IncomingHttpHeaders): AnswerType | null {
  return readAccept(accept || '*/*');
}

/** Returns true for a GET that prefers a page to a GraphQL answer, as a browser's address bar sends it. */
export function prefersGraphiql(method: string, { accept }: IncomingHttpHeaders): boolean {
  if (method !== 'GET' || accept === undefined) return false;
  return preferred(parseAccepted(accept), [...ANSWER_TYPES, 'text/html'], 'header') === 'text/html';
}

const readAccept = memoizeByHeader((accept: string) => {
  const accepted = parseAccepted(accept).filter(({ charset }) => charset === null || charset === 'utf-8');
  return preferred(accepted, ANSWER_TYPES, 'header');
});

/** Memoizes a reader of header values, since clients send the same few. */
export function memoizeByHeader<Meaning>(read: (text: string) => Meaning): (text: string) => Meaning {
  const meanings = createBoundedCache<Meaning>({ maxEntries: 100, maxLength: 5_000 });
  return (text) => {
    const known = meanings.get(text);
    if (known !== undefined) return known;
    const meaning = read(text);
    meanings.set(text, meaning);
    return meaning;
  };
}
