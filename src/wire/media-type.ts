/**
 * The only parser of Content-Type, Accept, Accept-Charset and Accept-Encoding headers, for GraphQL, REST, /Token and upstream
 * alike. (graphql-yoga parses them once more for requests that reach it.)
 */

/** A media type from Content-Type, or one entry of Accept, Accept-Charset or Accept-Encoding. */
export interface MediaType {
  /** As written, without parameters. In an Accept header a part or all of it may be `*`. */
  readonly name: string;
  /** The charset parameter in lower case; null if missing. */
  readonly charset: string | null;
  /** The q parameter, from 0 to 1; 1 if missing, 0 if invalid. */
  readonly quality: number;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const ENTRY = new RegExp(`^[\\t ]*(${TOKEN}(?:/${TOKEN})?)[\\t ]*(?:;(.*))?$`, 's');
const PARAMETER = new RegExp(`(?:^|;)[\\t ]*(${TOKEN})[\\t ]*=[\\t ]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\t ;"]*))`, 'gs');
/** Matches the entries of a list. A comma within quotes does not separate entries. */
const LISTED = /(?:[^,"]|"(?:[^"\\]|\\.?)*(?:"|$))+/gs;

/** Parses one media type with its parameters; null if the text is not a media type. */
export function parseMediaType(text: string | null): MediaType | null {
  const entry = parseEntry(text ?? '');
  return entry?.name.includes('/') ? entry : null;
}

/** Parses an Accept, Accept-Charset or Accept-Encoding header, in its order and without invalid entries. */
export function parseAccepted(header: string | null): readonly MediaType[] {
  return ((header ?? '').match(LISTED) ?? []).flatMap((entry) => parseEntry(entry) ?? []);
}

function parseEntry(text: string): MediaType | null {
  const [, name, parameters = ''] = ENTRY.exec(text) ?? [];
  if (name === undefined) return null;
  const quality = Number(readParameter(parameters, 'q') ?? 1);
  return {
    name,
    charset: readParameter(parameters, 'charset')?.toLowerCase() ?? null,
    quality: quality >= 0 && quality <= 1 ? quality : 0,
  };
}

/** The media type of a Content-Type in lower case, the first of a list; empty if it names none. */
export function mediaTypeName(contentType: string | undefined): string {
  const [first = ''] = contentType?.match(LISTED) ?? [];
  return parseMediaType(first)?.name.toLowerCase() ?? '';
}

/** How closely an entry matches a value: 3 exactly, 2 by a range such as `text/*`, 1 by a wildcard for all, 0 not at all. */
export function closeness({ name }: MediaType, value: string): number {
  const range = name.toLowerCase();
  if (range === value) return 3;
  if (range === '*/*' || range === '*') return 1;
  return range.endsWith('/*') && value.startsWith(range.slice(0, -1)) ? 2 : 0;
}

/**
 * Selects the offer with the highest quality, then the closest match. An offer's quality is that of the entry that matches it most
 * closely; quality 0 excludes it. Returns null if no offer is accepted.
 * @param ties Whether equal offers are ranked by their own order or by that of the header.
 */
export function preferred<Offer extends string>(
  accepted: readonly MediaType[],
  offers: readonly Offer[],
  ties: 'offers' | 'header' = 'offers',
): Offer | null {
  const acceptable = offers
    .map((offer) => ({ offer, ...weigh(accepted, offer) }))
    .filter(({ quality }) => quality > 0)
    .toSorted(
      (a, b) => b.quality - a.quality || b.closeness - a.closeness || (ties === 'header' ? a.place - b.place : 0),
    );
  return acceptable[0]?.offer ?? null;
}

/** The quality of the entry that matches an offer most closely, with its closeness and its place in the header. */
function weigh(accepted: readonly MediaType[], offer: string) {
  let best = { quality: 0, closeness: 0, place: 0 };
  accepted.forEach((entry, place) => {
    const { quality } = entry;
    const found = closeness(entry, offer);
    if (found > best.closeness || (found === best.closeness && found > 0 && quality > best.quality))
      best = { quality, closeness: found, place };
  });
  return best;
}

function readParameter(parameters: string, name: string): string | undefined {
  for (const [, given, quoted, plain] of parameters.matchAll(PARAMETER))
    if (given?.toLowerCase() === name) return quoted ?? plain;
  return undefined;
}
