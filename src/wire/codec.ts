import type { ReadProblem, NewAccountTask } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import type { AnswerBody } from '../contract/envelope.ts';
import { isJsonObject, type JsonObject } from '../contract/json-value.ts';
import {
  type FieldProblem,
  fromFormRequest,
  fromJsonRequest,
  fromXmlRequest,
  parseForm,
} from './account-task-request.ts';
import type { AnswerEnvelope } from './answer-envelope.ts';
import { encodeJsonAnswer, encodeJsonRequest, parseJson, parseJsonRequest } from './json.ts';
import { decodeText } from './text-encoding.ts';
import type { ParsedTree } from './parsed-tree.ts';
import { encodeXmlAnswer, encodeXmlRequest, parseXmlAnswer, parseXmlRequest } from './xml.ts';

export type { AnswerEnvelope } from './answer-envelope.ts';
export type { FieldProblem } from './account-task-request.ts';
export type WireFormat = 'json' | 'xml';
/** What a request may be written in. */
export type RequestFormat = WireFormat | 'form';

/** What a request's body holds. */
export type RequestReading =
  | { readonly kind: 'task'; readonly task: NewAccountTask }
  /** Nothing at all, blanks, or a null. */
  | { readonly kind: 'empty' }
  /** Not of its format, or no object. */
  | ({ readonly kind: 'unreadable' } & ReadProblem)
  /** Larger in some way than a request is read. */
  | { readonly kind: 'excessive'; readonly problem: string }
  /** An object whose fields are not all as they must be; at least one problem, in the fields' order. */
  | { readonly kind: 'faulty'; readonly problems: readonly FieldProblem[] };

type RequestReader = (
  text: string,
  tables: EnumTables,
) => NewAccountTask | readonly FieldProblem[] | { readonly problem: string } | { readonly excess: string } | null;

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
export function encodeAnswer(format: WireFormat, answer: AnswerEnvelope): string {
  return format === 'json' ? encodeJsonAnswer(answer) : encodeXmlAnswer(answer);
}

/** A request's body in the format it is labelled with; its bytes tell the charset. */
export function readRequest(format: RequestFormat, bytes: Uint8Array, tables: EnumTables): RequestReading {
  const text = decodeText(bytes, null);
  if (typeof text !== 'string') return { kind: 'unreadable', ...text };
  const task = readers[format](text, tables);
  if (task === null) return { kind: 'empty' };
  if ('excess' in task) return { kind: 'excessive', problem: task.excess };
  if ('problem' in task) return { kind: 'unreadable', at: 'the request', problem: task.problem };
  return 'TaskID' in task ? { kind: 'task', task } : { kind: 'faulty', problems: task };
}

const SPACE = 0x20;

const readers: Readonly<Record<RequestFormat, RequestReader>> = {
  json: (text, tables) => (isBlank(text) ? null : fromTree(parseJsonRequest(text), fromJsonRequest, tables)),
  xml: (text, tables) => (text === '' ? null : fromTree(parseXmlRequest(text), fromXmlRequest, tables)),
  form(text, tables) {
    if (text === '') return null;
    const form = parseForm(text);
    return 'fields' in form ? fromFormRequest(form.fields, tables) : form;
  },
};

function fromTree(
  parsed: ParsedTree,
  toTask: (request: JsonObject, tables: EnumTables) => ReturnType<typeof fromJsonRequest>,
  tables: EnumTables,
): ReturnType<RequestReader> {
  if ('problem' in parsed || parsed.tree === null) return 'problem' in parsed ? parsed : null;
  return isJsonObject(parsed.tree) ? toTask(parsed.tree, tables) : { problem: 'is not an object' };
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

function isBlank(text: string): boolean {
  return withoutLeadingBlanks(text) === '';
}

/** An XML declaration has to be the very first thing; blanks before it mean nothing in either format. */
function withoutLeadingBlanks(text: string): string {
  if (text.charCodeAt(0) > SPACE) return text;
  const start = text.search(/[^\t\n\r ]/);
  return start === -1 ? '' : text.slice(start);
}
