import { DETAIL_FIELDS } from '../contract/account-task.ts';
import type { TaskFailure } from '../contract/failure.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { type AnswerModel, BODY_FIELDS } from '../contract/operations.ts';
import { replaceCharactersNotInXml } from '../contract/text-formats.ts';
import type { Answer } from '../http/answer.ts';
import {
  type AnswerEnvelope,
  encodeAnswer,
  type FieldProblem,
  type RequestFormat,
  type WireFormat,
} from '../wire/codec.ts';
import { closeness, type MediaType, parseAccepted, parseMediaType, preferred } from '../wire/media-type.ts';
import { type Charset, encodeText } from '../wire/text-encoding.ts';
import { encodeXml } from '../wire/xml.ts';

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

const TRAILING_ZEROS = /(\.\d*?)0+(Z|[+-]\d\d:\d\d)$/;

export function successAnswer(
  data: NonNullable<AnswerEnvelope['ResponseData']>,
  model: AnswerModel,
  style: AnswerStyle,
): Answer {
  const Detail = data.Detail && withTrimmedDates(data.Detail);
  return envelopeAnswer(200, { Error: null, ResponseData: { ...data, Detail } }, model, style);
}

/**
 * Returns the contract's envelope for a failure of the endpoint itself. No answer has a Retry-After, on which an intermediary
 * might repeat a write.
 */
export function failureAnswer(
  { code, message, restStatus }: TaskFailure,
  model: AnswerModel,
  style: AnswerStyle,
): Answer {
  const envelope = { Error: { ErrorCode: code, ErrorReason: message }, ResponseData: null };
  return envelopeAnswer(restStatus, envelope, model, style);
}

/** Returns the answer of ASP.NET Web API 2 to a request that it refuses before it calls the endpoint. */
export function webApiAnswer(
  status: number,
  message: string,
  style: AnswerStyle,
  { headers = {}, modelState }: { headers?: Readonly<Record<string, string>>; modelState?: ModelState } = {},
): Answer {
  if (style.format === 'json') {
    return toAnswer(status, JSON.stringify({ Message: message, ModelState: modelState }), style, headers);
  }
  const joined = Object.entries(modelState ?? {}).map(([at, texts]) => [at, texts.join(' ')]);
  const ModelState = modelState && Object.fromEntries(joined);
  return toAnswer(status, encodeXml('Error', { Message: message, ModelState }), style, headers);
}

function envelopeAnswer(status: number, envelope: AnswerEnvelope, model: AnswerModel, style: AnswerStyle): Answer {
  return toAnswer(status, encodeAnswer(style.format, envelope, model), style, {});
}

function toAnswer(
  status: number,
  text: string,
  { format, mediaType, charset }: AnswerStyle,
  headers: Readonly<Record<string, string>>,
): Answer {
  return {
    status,
    headers: {
      ...headers,
      'Content-Type': `${mediaType}; charset=${charset}`,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    },
    body: encodeText(format === 'xml' ? replaceCharactersNotInXml(text) : text, charset),
  };
}

/** Removes trailing zeros of fractions, as Web API 2 does; the store keeps the text as it was sent. */
function withTrimmedDates(detail: JsonObject): JsonObject {
  const dates = Object.entries(DETAIL_FIELDS).flatMap(([field, kind]) => {
    const value = kind === 'date' ? detail[field] : null;
    return typeof value === 'string' && TRAILING_ZEROS.test(value) ? [[field, trimZeros(value)]] : [];
  });
  return dates.length === 0 ? detail : { ...detail, ...Object.fromEntries(dates) };
}

function trimZeros(date: string): string {
  return date.replace(
    TRAILING_ZEROS,
    (_, fraction: string, zone: string) => `${fraction === '.' ? '' : fraction}${zone}`,
  );
}

/** Web API 2's messages about a request that it cannot bind, by field. */
export type ModelState = Readonly<Record<string, readonly string[]>>;

type FieldMessage = readonly [at: string, text: string];

/** The only text that a remote caller gets about an exception. */
export const HIDDEN = 'An error has occurred.';
/** The model state of a body that cannot be parsed. */
export const UNREADABLE: ModelState = { request: [HIDDEN] };

/** Returns Web API 2's messages about a request's fields; null if it has none and the endpoint itself refuses them. */
export function toModelState(format: RequestFormat, problems: readonly FieldProblem[]): ModelState | null {
  // The XML serializer stops at the first value that it cannot read.
  if (format === 'xml' && problems.some(({ kind }) => kind === 'invalid')) return UNREADABLE;
  const state: Record<string, string[]> = {};
  for (const [at, text] of problems.flatMap((problem) => toMessages(format, problem))) {
    state[at] ??= [];
    state[at].push(text);
  }
  return Object.keys(state).length > 0 ? state : null;
}

function toMessages(format: RequestFormat, { at, kind, given }: FieldProblem): readonly FieldMessage[] {
  if (kind === 'refused') return [];
  const place = `request.${at}`;
  const { kind: type, isRequired } = BODY_FIELDS[at];
  if (type === 'text' || type === 'content type') {
    const required: FieldMessage = [place, `The ${at} field is required.`];
    return kind === 'missing' ? [required] : [[place, HIDDEN], required];
  }
  if (format === 'json') return kind === 'missing' ? [['request', HIDDEN]] : [[place, HIDDEN]];
  // A missing value type gets its default in XML; the endpoint itself refuses that default.
  if (format === 'xml') return [];
  const required: readonly FieldMessage[] = isRequired ? [[place, `The ${at} property is required.`]] : [];
  if (kind === 'missing') return required;
  const problem = valueProblem(given ?? '', at);
  return given?.trim() ? [[place, problem], ...required] : [[place, problem]];
}

/** The message about a value in a form or a URL that is not of its type. */
export function valueProblem(given: string, type: string): string {
  return given.trim() ? `The value '${given}' is not valid for ${type}.` : 'A value is required.';
}
