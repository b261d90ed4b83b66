import type { Misread, NewAccountTask } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import type { AnswerBody } from '../contract/envelope.ts';
import { isJsonObject } from '../contract/json-value.ts';
import { fromJsonRequest, fromXmlRequest } from './account-task-request.ts';
import type { Answer } from './answer.ts';
import { encodeJsonAnswer, encodeJsonRequest, parseJson } from './json.ts';
import { decodeText } from './media-type.ts';
import { encodeXmlAnswer, encodeXmlRequest, parseXmlAnswer, parseXmlRequest } from './xml.ts';

export type { Answer } from './answer.ts';
export type WireFormat = 'json' | 'xml';

/** How a body is labelled; what the encoders give is to be sent as UTF-8. */
export const mediaTypes: Readonly<Record<WireFormat, string>> = {
  json: 'application/json; charset=utf-8',
  xml: 'application/xml; charset=utf-8',
};

/** AccountTaskRequest. Its texts hold no character that XML 1.0 cannot carry when it goes as XML (`characterNotInXml`). */
export function encodeRequest(format: WireFormat, task: NewAccountTask, tables: EnumTables): string {
  return format === 'json' ? encodeJsonRequest(task, tables) : encodeXmlRequest(task);
}

/** ResponseOfAccountTaskResponse; of its texts the same is true. */
export function encodeAnswer(format: WireFormat, answer: Answer): string {
  return format === 'json' ? encodeJsonAnswer(answer) : encodeXmlAnswer(answer);
}

/** A request's body in either format, told by its content; the label gives no more than a charset. */
export function readRequest(
  bytes: Uint8Array,
  contentType: string | null,
  tables: EnumTables,
): NewAccountTask | Misread {
  const body = decodeText(bytes, contentType);
  if (typeof body !== 'string') return body;
  const text = withoutLeadingBlanks(body);
  if (text === '') return { at: 'the request', problem: 'is empty' };
  const isXml = text.startsWith('<');
  const parsed = isXml ? parseXmlRequest(text) : parseJson(text);
  if ('problem' in parsed) return { at: 'the request', problem: parsed.problem };
  if (!isJsonObject(parsed.tree)) return { at: 'the request', problem: 'is not an object' };
  return isXml ? fromXmlRequest(parsed.tree, tables) : fromJsonRequest(parsed.tree, tables);
}

/** An answer's body in either format, told by its content: JSON and XML of one meaning give one tree. */
export function readAnswerBody(bytes: Uint8Array, contentType: string | null): AnswerBody {
  const body = decodeText(bytes, contentType);
  if (typeof body !== 'string') return { kind: 'unreadable', ...body };
  const text = withoutLeadingBlanks(body);
  if (text === '') return { kind: 'empty' };
  const parsed = text.startsWith('<') ? parseXmlAnswer(text) : parseJson(text);
  if ('problem' in parsed) return { kind: 'unreadable', at: 'the answer', problem: parsed.problem };
  return { kind: 'tree', tree: parsed.tree };
}

/** An XML declaration has to be the very first thing; blanks before it mean nothing in either format. */
function withoutLeadingBlanks(text: string): string {
  const start = text.search(/[^\t\n\r ]/);
  return start === -1 ? '' : text.slice(start);
}
