import type { WireFormat } from '../wire/codec.ts';
import type { Charset } from '../wire/media-type.ts';
import { closeness, MEDIA_TYPES, type MediaType, parseMediaType, readQuality } from './media-type.ts';

/** How an answer is to be written. */
export interface AnswerStyle {
  readonly format: WireFormat;
  readonly mediaType: string;
  readonly charset: Charset;
}

/** A request's header by its lower-case name; null where it is not given. */
export type ReadHeader = (name: string) => string | null;

interface Match {
  readonly format: WireFormat;
  readonly mediaType: string;
  readonly quality: number;
  readonly closeness: number;
}

const FORMATS = ['json', 'xml'] as const;
const DEFAULT = { format: 'json', mediaType: 'application/json' } as const;

/**
 * The framework's negotiation: the Accept entry of the highest quality, the more exact one of two alike, JSON before XML;
 * where none fits, the request's own format, and at last JSON. It never ends in a 406.
 */
export function negotiate(header: ReadHeader): AnswerStyle {
  const contentType = parseMediaType(header('content-type'));
  const { format, mediaType } = matchAccept(header) ?? matchRequest(contentType) ?? DEFAULT;
  return { format, mediaType, charset: negotiateCharset(header('accept-charset'), contentType) };
}

function matchAccept(header: ReadHeader): Omit<Match, 'quality' | 'closeness'> | null {
  const accepted = (header('accept') ?? '').split(',').flatMap((entry) => parseMediaType(entry) ?? []);
  const isScript = header('x-requested-with')?.toLowerCase() === 'xmlhttprequest';
  // A script that does not say what it reads gets JSON.
  if (isScript && accepted.every(({ name }) => name === '*/*')) return DEFAULT;
  const matches = FORMATS.flatMap((format) => bestMatch(format, accepted) ?? []);
  return matches.toSorted(byPreference)[0] ?? null;
}

function bestMatch(format: WireFormat, accepted: readonly MediaType[]): Match | null {
  const matches = accepted.flatMap((range) => matchRange(format, range) ?? []);
  return matches.toSorted(byPreference)[0] ?? null;
}

function matchRange(format: WireFormat, range: MediaType): Match | null {
  const mediaType = MEDIA_TYPES[format].find((candidate) => closeness(range, candidate) > 0);
  if (mediaType === undefined || range.quality === 0) return null;
  return { format, mediaType, quality: range.quality, closeness: closeness(range, mediaType) };
}

function byPreference(a: Match, b: Match): number {
  return b.quality - a.quality || b.closeness - a.closeness;
}

function matchRequest(contentType: MediaType | null): Match | null {
  if (contentType === null) return null;
  return FORMATS.map((format) => matchRange(format, { ...contentType, quality: 1 })).find(Boolean) ?? null;
}

function negotiateCharset(acceptCharset: string | null, contentType: MediaType | null): Charset {
  const accepted = (acceptCharset ?? '')
    .split(',')
    .map((entry) => {
      const [name = '', ...parameters] = entry.split(';');
      return { charset: toCharset(name.trim()), quality: readQuality(parameters.join(';')) };
    })
    .filter(({ charset, quality }) => charset !== null && quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  return accepted[0]?.charset ?? toCharset(contentType?.charset ?? '') ?? 'utf-8';
}

function toCharset(name: string): Charset | null {
  const lowerCase = name.toLowerCase();
  if (lowerCase === '*' || lowerCase === 'utf-8') return 'utf-8';
  return lowerCase === 'utf-16' ? 'utf-16' : null;
}
