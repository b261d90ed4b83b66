import type { RequestFormat, WireFormat } from '../wire/codec.ts';
import { closeness, type MediaType, parseAccepted, parseMediaType, preferred } from '../wire/media-type.ts';
import type { Charset } from '../wire/text-encoding.ts';

/** The format, media type and charset of an answer. */
export interface AnswerStyle {
  readonly format: WireFormat;
  readonly mediaType: string;
  readonly charset: Charset;
}

/** Returns a request's header by its lower-case name; null if it is absent. */
export type ReadHeader = (name: string) => string | null;

/** The formats of the accepted media types, in order of preference. */
const FORMATS = {
  'application/json': 'json',
  'application/xml': 'xml',
  'text/json': 'json',
  'text/xml': 'xml',
  'application/x-www-form-urlencoded': 'form',
} as const satisfies Readonly<Record<string, RequestFormat>>;
/** The media types of accepted bodies. */
export const READ_TYPES = Object.keys(FORMATS) as readonly (keyof typeof FORMATS)[];
/** The media types of answers. */
export const WRITTEN_TYPES = ['application/json', 'application/xml', 'text/json', 'text/xml'] as const;
const CHARSETS = ['utf-8', 'utf-16'] as const satisfies readonly Charset[];

/**
 * Negotiates as ASP.NET Web API 2 does: the Accept entry of the highest quality, then the more exact one, then JSON before
 * XML. If none fits, the request's own format, or else JSON. It never results in a 406.
 */
export function negotiate(header: ReadHeader): AnswerStyle {
  const contentType = parseMediaType(header('content-type'));
  const mediaType = matchAccept(header) ?? matchRequest(contentType) ?? 'application/json';
  const charset =
    preferred(parseAccepted(header('accept-charset')), CHARSETS) ??
    CHARSETS.find((name) => name === contentType?.charset) ??
    'utf-8';
  return { format: FORMATS[mediaType], mediaType, charset };
}

/** Returns the format of a Content-Type; null if it is not supported. */
export function formatOf(contentType: MediaType): RequestFormat | null {
  const name = READ_TYPES.find((mediaType) => closeness(contentType, mediaType) > 0);
  return name === undefined ? null : FORMATS[name];
}

function matchAccept(header: ReadHeader): (typeof WRITTEN_TYPES)[number] | null {
  const accepted = parseAccepted(header('accept'));
  const isScript = header('x-requested-with')?.toLowerCase() === 'xmlhttprequest';
  // A script without a preference gets JSON.
  if (isScript && accepted.every(({ name }) => name === '*/*')) return 'application/json';
  return preferred(accepted, WRITTEN_TYPES);
}

function matchRequest(contentType: MediaType | null): (typeof WRITTEN_TYPES)[number] | null {
  return WRITTEN_TYPES.find((mediaType) => contentType && closeness(contentType, mediaType) > 0) ?? null;
}
