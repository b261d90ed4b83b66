/**
 * Bytes ⇄ contract: the entry point of this room. An answer of the service is read in these steps:
 *
 * 1. text-encoding.ts decodes the bytes.
 * 2. `readAnswerBody` tells JSON from XML by the first character.
 * 3. json.ts parses JSON. xml.ts reads XML: xml-document.ts parses the text into elements (plain-xml.ts without a parser, if the
 *    document is plain), and xml.ts turns them into the tree that the same answer in JSON would give.
 * 4. contract/envelope.ts interprets the tree.
 */
import type { ReadProblem } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import type { AnswerBody } from '../contract/envelope.ts';
import { isJsonObject, type JsonObject } from '../contract/json-value.ts';
import {
  ACCOUNT_TASK_ANSWER,
  ACCOUNT_TASK_REQUEST,
  type AnswerModel,
  type BodyModel,
  type RequestBody,
} from '../contract/operations.ts';
import { parseForm, decodeText } from './text-encoding.ts';
import { type AnswerEnvelope, encodeJsonAnswer, encodeJsonRequest, parseJson, type ParsedTree } from './json.ts';
import { type BodyReading, fromElements, fromMembers } from './request-fields.ts';
import { encodeXmlAnswer, encodeXmlRequest, parseXmlAnswer, parseXmlRequest } from './xml.ts';

export type { AnswerEnvelope } from './json.ts';
export type { FieldProblem } from './request-fields.ts';
export type WireFormat = 'json' | 'xml';
/** The formats that requests are accepted in. */
export type RequestFormat = WireFormat | 'form';

/** The content of a request's body. */
export type RequestReading =
  | BodyReading
  /** The body is empty, blank or null. */
  | { readonly kind: 'empty' }
  /** The body is not in its format, or is not an object. */
  | ({ readonly kind: 'unreadable' } & ReadProblem)
  /** The body exceeds a limit on form fields. */
  | { readonly kind: 'excessive'; readonly problem: string };

type RequestReader = (text: string, model: BodyModel, tables: EnumTables) => RequestReading;

/** The Content-Type of an encoded body, which is sent as UTF-8. */
export const mediaTypes: Readonly<Record<WireFormat, string>> = {
  json: 'application/json; charset=utf-8',
  xml: 'application/xml; charset=utf-8',
};

/** Encodes a request's body. For XML the caller has refused texts that XML 1.0 cannot carry (`characterNotInXml`). */
export function encodeRequest(
  format: WireFormat,
  body: RequestBody,
  tables: EnumTables,
  model: BodyModel = ACCOUNT_TASK_REQUEST,
): string {
  return format === 'json' ? encodeJsonRequest(model, body, tables) : encodeXmlRequest(model, body);
}

/** Encodes an answer's envelope. For XML the caller has refused texts that XML 1.0 cannot carry. */
export function encodeAnswer(
  format: WireFormat,
  answer: AnswerEnvelope,
  model: AnswerModel = ACCOUNT_TASK_ANSWER,
): string {
  return format === 'json' ? encodeJsonAnswer(model, answer) : encodeXmlAnswer(model, answer);
}

/** Reads a request's body in the format of its Content-Type. The charset is detected from the bytes. */
export function readRequest(
  format: RequestFormat,
  bytes: Uint8Array,
  tables: EnumTables,
  model: BodyModel = ACCOUNT_TASK_REQUEST,
): RequestReading {
  const text = decodeText(bytes, null);
  return typeof text === 'string' ? readers[format](text, model, tables) : { kind: 'unreadable', ...text };
}

const SPACE = 0x20;
/** A request has at most eight fields. */
const MAX_FORM_FIELDS = 1_000;

const readers: Readonly<Record<RequestFormat, RequestReader>> = {
  json: (text, model, tables) =>
    withoutLeadingBlanks(text) === ''
      ? { kind: 'empty' }
      : fromTree(parseJson(text), (request) => fromMembers(Object.entries(request), model, tables)),
  xml: (text, model, tables) =>
    text === ''
      ? { kind: 'empty' }
      : fromTree(parseXmlRequest(text, model), (request) => fromElements(request, model, tables)),
  form(text, model, tables) {
    if (text === '') return { kind: 'empty' };
    const form = parseForm(text, MAX_FORM_FIELDS);
    if ('excess' in form) return { kind: 'excessive', problem: form.excess };
    // The first of equal names counts.
    return 'fields' in form ? fromMembers(form.fields.toReversed(), model, tables) : unreadable(form.problem);
  },
};

function fromTree(parsed: ParsedTree, toBody: (request: JsonObject) => BodyReading): RequestReading {
  if ('problem' in parsed) return unreadable(parsed.problem);
  if (parsed.tree === null) return { kind: 'empty' };
  return isJsonObject(parsed.tree) ? toBody(parsed.tree) : unreadable('is not an object');
}

function unreadable(problem: string): RequestReading {
  return { kind: 'unreadable', at: 'the request', problem };
}

/**
 * Reads the body of an answer. Its content, not its Content-Type, decides between JSON and XML; both give the same tree for the
 * same meaning. The Content-Type only helps to find the charset.
 */
export function readAnswerBody(
  bytes: Uint8Array,
  contentType: string | null,
  model: AnswerModel = ACCOUNT_TASK_ANSWER,
): AnswerBody {
  const body = decodeText(bytes, contentType);
  if (typeof body !== 'string') return { kind: 'unreadable', ...body };
  const text = withoutLeadingBlanks(body);
  if (text === '') return { kind: 'empty' };
  const parsed = text.startsWith('<') ? parseXmlAnswer(text, model) : parseJson(text);
  if ('problem' in parsed) return { kind: 'unreadable', at: 'the answer', problem: parsed.problem };
  return { kind: 'tree', tree: parsed.tree };
}

/** Removes leading blanks, which mean nothing in either format but are not allowed before an XML declaration. */
function withoutLeadingBlanks(text: string): string {
  if (text.charCodeAt(0) > SPACE) return text;
  const start = text.search(/[^\t\n\r ]/);
  return start === -1 ? '' : text.slice(start);
}
