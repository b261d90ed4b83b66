/** A Content-Type, or one entry of a header that lists what is accepted: Accept, Accept-Charset, Accept-Encoding. */
export interface MediaType {
  /** As written, without parameters; in a list a part or all of it may be `*`. */
  readonly name: string;
  /** Of the parameters, in lower case; null where none is given. */
  readonly charset: string | null;
  /** From 0 to 1; 1 where none is given, 0 where it is no such number. */
  readonly quality: number;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const ENTRY = new RegExp(`^[\\t ]*(${TOKEN}(?:/${TOKEN})?)[\\t ]*(?:;(.*))?$`, 's');
const PARAMETER = new RegExp(`(?:^|;)[\\t ]*(${TOKEN})[\\t ]*=[\\t ]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\t ;"]*))`, 'gs');
/** The entries of a list; a comma within quotes separates none. */
const LISTED = /(?:[^,"]|"(?:[^"\\]|\\.?)*(?:"|$))+/gs;

/** Reads one media type with its parameters; null where the text is not one. */
export function parseMediaType(text: string | null): MediaType | null {
  const entry = parseEntry(text ?? '');
  return entry?.name.includes('/') ? entry : null;
}

/** Reads a header that lists what is accepted, in its order; what is no entry is left out. */
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

/** The media type that a Content-Type names, in lower case; of a list the first, and empty where it names none. */
export function mediaTypeName(contentType: string | undefined): string {
  const [first = ''] = contentType?.match(LISTED) ?? [];
  return parseMediaType(first)?.name.toLowerCase() ?? '';
}

/** How closely an entry names a value: 3 for the value itself, 2 for `text/*`, 1 for all, 0 where it does not. */
export function closeness({ name }: MediaType, value: string): number {
  const range = name.toLowerCase();
  if (range === value) return 3;
  if (range === '*/*' || range === '*') return 1;
  return range.endsWith('/*') && value.startsWith(range.slice(0, -1)) ? 2 : 0;
}

/**
 * The offer that is most welcome: of the highest quality, then named most closely. The closest entry decides on an offer, and
 * with quality 0 it excludes the offer. Null where nothing that is offered is accepted.
 * @param ties which of equal offers comes first: by the order of the offers, or by the order of the header.
 */
export function preferred<Offer extends string>(
  accepted: readonly MediaType[],
  offers: readonly Offer[],
  ties: 'offers' | 'header' = 'offers',
): Offer | null {
  const welcome = offers
    .map((offer) => ({ offer, ...weigh(accepted, offer) }))
    .filter(({ quality }) => quality > 0)
    .toSorted(
      (a, b) => b.quality - a.quality || b.closeness - a.closeness || (ties === 'header' ? a.place - b.place : 0),
    );
  return welcome[0]?.offer ?? null;
}

/** The quality of an offer by the entry that names it most closely, and the entry's place in the header. */
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
