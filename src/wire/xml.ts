/** Writes and reads the contract's documents in XML. */
import { XMLBuilder } from 'fast-xml-parser';
import { isJsonObject, type JsonObject, type JsonValue, isRawNumber } from '../contract/json-value.ts';
import type { AnswerModel, BodyModel, RequestBody } from '../contract/operations.ts';
import { type AnswerEnvelope, detailInOrder, type ParsedTree } from './json.ts';
import { readPlainXml } from './plain-xml.ts';
import { BOOLEANS, parseXml, toJsonValue, withoutAttributes, type XmlElement, type XmlNode } from './xml-document.ts';

const NAMESPACES = {
  '@xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
  '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
};

/** Encodes a request's body like the contract's sample. */
export function encodeXmlRequest({ name, xmlOrder }: BodyModel, body: RequestBody): string {
  return encodeXml(name, Object.fromEntries(xmlOrder.map((field) => [field, body[field] ?? undefined])), NAMESPACES);
}

/** Encodes the envelope: `Result` before `Identification`, null dates as `xsi:nil`, other nulls left out. */
export function encodeXmlAnswer(model: AnswerModel, { Error: error, ResponseData: data }: AnswerEnvelope): string {
  const envelope = {
    Error: error ? { ErrorCode: error.ErrorCode ?? undefined, ErrorReason: error.ErrorReason ?? undefined } : undefined,
    ResponseData: data
      ? {
          Result: data.Result ?? undefined,
          Identification: data.Identification ? { UserId: data.Identification.UserId ?? undefined } : undefined,
          Detail: data.Detail ? writtenDetail(data.Detail, model) : undefined,
        }
      : undefined,
  };
  return encodeXml(model.name, envelope, NAMESPACES);
}

/** Leaves out the known members that are null, except dates. Null dates and unknown members are written as `xsi:nil`. */
function writtenDetail(detail: JsonObject, model: AnswerModel): JsonObject {
  const written = detailInOrder(detail, model);
  for (const field in model.detail) if (model.detail[field] !== 'date') written[field] ??= undefined;
  return written;
}

/** Parses an answer to the tree that the same answer in JSON gives, whatever the name of its root. */
export function parseXmlAnswer(text: string, model: AnswerModel): ParsedTree {
  const root = parseDocument(text);
  if ('problem' in root) return root;
  const tree = asContainer(toJsonValue(root));
  convertMember(tree, 'Error', asContainer);
  const data = convertMember(tree, 'ResponseData', asContainer);
  convertMember(data, 'Identification', asContainer);
  convertMember(data, 'Detail', (detail) => toDetail(asContainer(detail), model));
  return { tree };
}

/** Parses a request to a tree of its fields. */
export function parseXmlRequest(text: string, { name }: BodyModel): ParsedTree {
  const root = parseDocument(text);
  if ('problem' in root) return root;
  if (root.name !== name || root.attributes['@xmlns']) {
    return { problem: `is not the element ${name} without a namespace` };
  }
  return { tree: asContainer(toJsonValue({ ...root, nodes: root.nodes.filter(isInNoNamespace) })) };
}

function parseDocument(text: string): XmlElement | { readonly problem: string } {
  return readPlainXml(text) ?? parseXml(text);
}

/** True for text and for an element in no namespace. An element of the same name in a namespace is not the contract's field. */
function isInNoNamespace(node: XmlNode): boolean {
  return typeof node === 'string' || !(node.name.includes(':') || node.attributes['@xmlns']);
}

function toDetail(detail: JsonValue, model: AnswerModel): JsonValue {
  if (!isJsonObject(detail)) return detail;
  return detailInOrder(detail, model, (kind, value) => {
    const plain = withoutAttributes(value);
    return kind === 'boolean' && typeof plain === 'string' ? (BOOLEANS.get(plain.trim()) ?? plain) : plain;
  });
}

/** Reads a blank element of the envelope as an object without members. */
function asContainer(value: JsonValue): JsonValue {
  return typeof value === 'string' && value.trim() === '' ? {} : value;
}

/** Replaces a member of a parsed object and returns it; null if it is missing. */
function convertMember(object: JsonValue, name: string, convert: (member: JsonValue) => JsonValue): JsonValue {
  if (!isJsonObject(object) || object[name] === undefined) return null;
  const converted = convert(object[name]);
  (object as Record<string, JsonValue>)[name] = converted;
  return converted;
}

const NIL_ATTRIBUTE = { '@xsi:nil': 'true' };
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  // An XML parser turns a bare carriage return into a line feed.
  '\r': '&#xD;',
};
const ESCAPED_IN_TEXT = /[&<>\r]/g;
const ESCAPED_IN_ATTRIBUTES = /[&<>\t\n\r]/g;

const builder = new XMLBuilder({
  attributeNamePrefix: '@',
  ignoreAttributes: false,
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
  // It would write carriage returns as they are. It still escapes the quotes in attributes.
  processEntities: false,
  tagValueProcessor: (_name, text) => escapeCharacters(text as string, ESCAPED_IN_TEXT),
  attributeValueProcessor: (_name, text) => escapeCharacters(text as string, ESCAPED_IN_ATTRIBUTES),
});

/**
 * Encodes an element: a member that is null as `xsi:nil`, an array as one element per item, `@name` members of an object as
 * attributes and `#text` as text. The caller has refused texts that XML 1.0 cannot carry (`characterNotInXml`).
 */
export function encodeXml(name: string, members: JsonObject, namespaces: JsonObject = {}): string {
  // Every other `>` is escaped. .NET writes this blank.
  return builder.build({ [name]: { ...namespaces, ...toWritten(members) } }).replaceAll('/>', ' />');
}

/** Converts the members of an object to what fast-xml-parser writes. */
function toWritten(members: JsonObject): JsonObject {
  const written: Record<string, JsonValue> = {};
  for (const name in members) {
    const value = members[name];
    if (value === undefined) continue;
    if (name === '#text') written['#text'] = scalarText(value);
    else if (name.startsWith('@')) written[`@${toXmlName(name.slice(1))}`] = scalarText(value);
    else {
      const key = toXmlName(name);
      // Two names can become the same.
      written[key] = Object.hasOwn(written, key) ? [written[key] ?? null, toContent(value)].flat() : toContent(value);
    }
  }
  return written;
}

function toContent(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value;
  if (value === null) return NIL_ATTRIBUTE;
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => toContent(item));
  return isJsonObject(value) ? toWritten(value) : scalarText(value);
}

function scalarText(value: JsonValue): string {
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Encodes characters that XML names must not contain as .NET's XmlConvert does: `_x0020_` for a blank. */
function toXmlName(name: string): string {
  return (name || '_').replace(
    /^[\d.-]|[^\w.-]/g,
    (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
  );
}

function escapeCharacters(text: string, characters: RegExp): string {
  return text.replace(characters, (character) => ESCAPES[character] as string);
}
