import { type CreatedAccountTask, DETAIL_FIELDS } from '../contract/account-task.ts';
import type { FailureCode, TaskFailure } from '../contract/failure.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { replaceCharactersNotInXml } from '../contract/parameters.ts';
import { type Answer, encodeAnswer } from '../wire/codec.ts';
import { encodeText } from '../wire/text-encoding.ts';
import { toXmlElement } from '../wire/xml-element.ts';
import type { ModelState } from './model-state.ts';
import type { AnswerStyle } from './negotiation.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * The status of each failure. A status below 500 says that no task was created, which every reader of the contract takes it
 * for; 503 that none was and none can be for now; 500 that nobody knows. No answer carries a Retry-After, on which something
 * in between might repeat a create.
 */
const STATUSES: Readonly<Record<FailureCode, number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CLIENT_REQUIRED: 409,
  TASK_NOT_FOUND: 404,
  TASK_REJECTED: 400,
  IDEMPOTENCY_CONFLICT: 409,
  IDEMPOTENCY_IN_PROGRESS: 409,
  UPSTREAM_UNREACHABLE: 503,
  OVERLOADED: 429,
  UPSTREAM_TIMEOUT: 500,
  UPSTREAM_CONNECTION_LOST: 500,
  UPSTREAM_FAILED: 500,
  UPSTREAM_UNREADABLE: 500,
};

const TRAILING_ZEROS = /(\.\d*?)0+(Z|[+-]\d\d:\d\d)$/;

export function createdAnswer({ accountTask, Identification, Result }: CreatedAccountTask, style: AnswerStyle) {
  const Detail = withTrimmedDates(accountTask.detail);
  return envelopeAnswer(200, { Error: null, ResponseData: { Identification, Result, Detail } }, style);
}

/** What the action refuses, or could not do. */
export function failureAnswer({ code, message }: TaskFailure, style: AnswerStyle): RestAnswer {
  const envelope = { Error: { ErrorCode: code, ErrorReason: message }, ResponseData: null };
  return envelopeAnswer(STATUSES[code], envelope, style);
}

/** What the framework refuses before there is an action. */
export function frameworkAnswer(
  status: number,
  message: string,
  style: AnswerStyle,
  { headers = {}, modelState }: { headers?: Readonly<Record<string, string>>; modelState?: ModelState } = {},
): RestAnswer {
  if (style.format === 'json') {
    return toAnswer(status, JSON.stringify({ Message: message, ModelState: modelState }), style, headers);
  }
  const joined = Object.entries(modelState ?? {}).map(([at, texts]) => [at, texts.join(' ')]);
  const ModelState = modelState && Object.fromEntries(joined);
  return toAnswer(status, toXmlElement('Error', { Message: message, ModelState }), style, headers);
}

function envelopeAnswer(status: number, envelope: Answer, style: AnswerStyle): RestAnswer {
  return toAnswer(status, encodeAnswer(style.format, envelope), style, {});
}

function toAnswer(
  status: number,
  text: string,
  { format, mediaType, charset }: AnswerStyle,
  headers: Readonly<Record<string, string>>,
): RestAnswer {
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

/** The framework writes as many fraction digits as a date needs; the store keeps the text it was given. */
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
