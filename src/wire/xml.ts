/** Writes and reads the contract's documents in XML. An XML answer is read by `parseXmlAnswer`, called from codec.ts. */
import { DETAIL_FIELDS, type DetailField, type NewAccountTask } from '../contract/account-task.ts';
import { isJsonObject, type JsonObject, type JsonValue, isRawNumber } from '../contract/json-value.ts';
import { type AnswerEnvelope, detailInOrder } from './answer-envelope.ts';
import type { ParsedTree } from './parsed-tree.ts';
import { parseXmlDocument } from './xml-document.ts';
import { type XmlNode, toJsonValue, withoutAttributes } from './xml-tree.ts';

const NAMESPACES = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
/** The texts of xsd:boolean. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** Encodes an AccountTaskRequest like the contract's sample. Missing fields are left out. */
export function encodeXmlRequest(task: NewAccountTask): string {
  return `<AccountTaskRequest ${NAMESPACES}>${
    toXmlElement('TaskID', task.TaskID) +
    toXmlElement('Frequency', task.Frequency) +
    elementIfGiven('StartDate', task.StartDate) +
    elementIfGiven('FinishDate', task.FinishDate) +
    toXmlElement('Parameters', task.Parameters) +
    toXmlElement('ContentType', task.ContentType) +
    elementIfGiven('Notification', task.Notification)
  }</AccountTaskRequest>`;
}

/** Encodes the envelope: `Result` before `Identification`, null dates as `xsi:nil`, other nulls left out. */
export function encodeXmlAnswer({ Error: error, ResponseData: data }: AnswerEnvelope): string {
  const errorElement =
    error &&
    `<Error>${elementIfGiven('ErrorCode', error.ErrorCode)}${elementIfGiven('ErrorReason', error.ErrorReason)}</Error>`;
  const dataElement =
    data &&
    `<ResponseData>${
      elementIfGiven('Result', data.Result) +
      (
        data.Identification
          ? `<Identification>${elementIfGiven('UserId', data.Identification.UserId)}</Identification>`
          : ''
      ) +
      (data.Detail ? detailElement(data.Detail) : '')
    }</ResponseData>`;
  return `<ResponseOfAccountTaskResponse ${NAMESPACES}>${errorElement ?? ''}${dataElement ?? ''}</ResponseOfAccountTaskResponse>`;
}

/** Parses an answer to the tree that the same answer in JSON gives, whatever the name of its root. */
export function parseXmlAnswer(text: string): ParsedTree {
  const root = parseXmlDocument(text);
  if ('problem' in root) return root;
  const tree = asContainer(toJsonValue(root));
  if (!isJsonObject(tree)) return { tree };
  return {
    tree: withMembers(tree, {
      Error: asContainer,
      ResponseData: (data) =>
        withMembers(asContainer(data), {
          Identification: asContainer,
          Detail: (detail) => toDetail(asContainer(detail)),
        }),
    }),
  };
}

/** Parses a request to a tree of its fields. */
export function parseXmlRequest(text: string): ParsedTree {
  const root = parseXmlDocument(text);
  if ('problem' in root) return root;
  if (root.name !== 'AccountTaskRequest' || root.attributes['xmlns']) {
    return { problem: 'is not an AccountTaskRequest element without a namespace' };
  }
  return { tree: asContainer(toJsonValue({ ...root, nodes: root.nodes.filter(isInNoNamespace) })) };
}

/** True for text and for an element in no namespace. An element of the same name in a namespace is not the contract's field. */
function isInNoNamespace(node: XmlNode): boolean {
  return typeof node === 'string' || !(node.name.includes(':') || node.attributes['xmlns']);
}

function detailElement(detail: JsonObject): string {
  let elements = '';
  for (const [name, value] of Object.entries(detailInOrder(detail))) {
    const isKnown = Object.hasOwn(DETAIL_FIELDS, name);
    const isLeftOut =
      value === undefined || (value === null && isKnown && DETAIL_FIELDS[name as DetailField] !== 'date');
    if (!isLeftOut) elements += toXmlElement(isKnown ? name : toXmlName(name), value);
  }
  return `<Detail>${elements}</Detail>`;
}

function elementIfGiven(name: string, text: string | null): string {
  return text === null ? '' : toXmlElement(name, text);
}

function toDetail(detail: JsonValue): JsonValue {
  if (!isJsonObject(detail)) return detail;
  return detailInOrder(detail, (field, value) => {
    const plain = withoutAttributes(value);
    return field === 'Enabled' && typeof plain === 'string' ? (BOOLEANS.get(plain.trim()) ?? plain) : plain;
  });
}

/** Reads a blank element of the envelope as an object without members. */
function asContainer(value: JsonValue): JsonValue {
  return typeof value === 'string' && value.trim() === '' ? {} : value;
}

/** Converts the members of `value` that have a conversion. */
function withMembers(
  value: JsonValue,
  conversions: Readonly<Record<string, (member: JsonValue) => JsonValue>>,
): JsonValue {
  if (!isJsonObject(value)) return value;
  const members: Record<string, JsonValue | undefined> = { ...value };
  for (const [name, convert] of Object.entries(conversions)) {
    const member = members[name];
    if (member !== undefined) members[name] = convert(member);
  }
  return members;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  // An XML parser turns a bare carriage return into a line feed.
  '\r': '&#xD;',
};

/**
 * Encodes a value as an element: null as `xsi:nil`, an array as one element per item, `@name` members of an object as attributes
 * and `#text` as text. The caller has refused texts that XML 1.0 cannot carry (`characterNotInXml`).
 */
export function toXmlElement(name: string, value: JsonValue): string {
  if (typeof value === 'string') return value === '' ? `<${name} />` : `<${name}>${escapeText(value)}</${name}>`;
  if (value === null) return `<${name} xsi:nil="true" />`;
  if (Array.isArray(value)) return value.map((item: JsonValue) => toXmlElement(name, item)).join('');
  if (isJsonObject(value)) return objectElement(name, value);
  return `<${name}>${scalarText(value)}</${name}>`;
}

function objectElement(name: string, members: JsonObject): string {
  let attributes = '';
  let content = '';
  for (const [key, value] of Object.entries(members)) {
    if (value === undefined) continue;
    if (key === '#text') content += escapeText(scalarText(value));
    else if (key.startsWith('@')) attributes += ` ${toXmlName(key.slice(1))}="${escapeAttribute(scalarText(value))}"`;
    else content += toXmlElement(toXmlName(key), value);
  }
  return content === '' ? `<${name}${attributes} />` : `<${name}${attributes}>${content}</${name}>`;
}

function scalarText(value: JsonValue): string {
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Encodes characters that XML names must not contain as .NET's XmlConvert does: `_x0020_` for a blank. */
function toXmlName(name: string): string {
  return name.replace(
    /^[\d.-]|[^\w.-]/g,
    (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
  );
}

function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (character) => ESCAPES[character] as string) : text;
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] as string);
}
