import type { RequestFormat } from '../wire/codec.ts';

/** The formats and how each may be labelled, in the order of preference. */
export const MEDIA_TYPES = {
  json: ['application/json', 'text/json'],
  xml: ['application/xml', 'text/xml'],
  form: ['application/x-www-form-urlencoded'],
} as const satisfies Readonly<Record<RequestFormat, readonly string[]>>;

export interface MediaType {
  /** As written, without parameters; either half may be `*`. */
  readonly name: string;
  /** Of the parameters, lower-case; null where none is given. */
  readonly charset: string | null;
  /** From 0 to 1; 1 where none is given. */
  readonly quality: number;
}

const SHAPE = /^[\t ]*([\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)[\t ]*(?:;(.*))?$/;

/** A Content-Type, or one entry of an Accept header; null where it is neither. */
export function parseMediaType(text: string | null): MediaType | null {
  const [, name, parameters = ''] = SHAPE.exec(text ?? '') ?? [];
  if (name === undefined) return null;
  return {
    name,
    charset: readParameter(parameters, 'charset')?.toLowerCase() ?? null,
    quality: readQuality(parameters),
  };
}

/** The `q` among parameters; 0 where it is no number. */
export function readQuality(parameters: string): number {
  const quality = Number(readParameter(parameters, 'q') ?? 1);
  return quality >= 0 && quality <= 1 ? quality : 0;
}

/** How closely a media type or range names `mediaType`: 3 for itself, 2 for `text/*`, 1 for all, 0 where it does not. */
export function closeness({ name }: MediaType, mediaType: string): number {
  const range = name.toLowerCase();
  if (range === mediaType) return 3;
  if (range === '*/*') return 1;
  return range.endsWith('/*') && mediaType.startsWith(range.slice(0, -1)) ? 2 : 0;
}

/** The format that a Content-Type stands for; null for one that is not read here. */
export function formatOf(contentType: MediaType): RequestFormat | null {
  const formats = Object.keys(MEDIA_TYPES) as RequestFormat[];
  return (
    formats.find((format) => MEDIA_TYPES[format].some((mediaType) => closeness(contentType, mediaType) > 0)) ?? null
  );
}

function readParameter(parameters: string, name: string): string | undefined {
  const pattern = /(?:^|;)[\t ]*([\w-]+)[\t ]*=[\t ]*"?([^\t ;"]*)/g;
  return [...parameters.matchAll(pattern)].find(([, given]) => given?.toLowerCase() === name)?.[2];
}
