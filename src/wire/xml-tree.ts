/** The elements that xml-document.ts parses, and their conversion to the tree that the same content in JSON would give. */
import { isJsonObject, type JsonValue } from '../contract/json-value.ts';

type Members = Record<string, JsonValue>;

const NAMESPACE = /^xmlns(?::|$)/;
/** The attributes of the XML Schema instance namespace, with any prefix. */
const SCHEMA_INSTANCE = /^[^:]+:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$/;
const NIL = /^[^:]+:nil$/;
const TRUE = /^[\t\n\r ]*(?:true|1)[\t\n\r ]*$/;

/**
 * Converts an element to JSON: `xsi:nil` to null, a leaf to its text, any other element to an object of its elements by local
 * name. A repeated name gives an array, an attribute a member `@name`, and text beside elements or attributes a member `#text`.
 */
export function toJsonValue({ attributes, nodes }: XmlElement): JsonValue {
  const [first = ''] = nodes;
  if (attributes === NO_ATTRIBUTES && nodes.length < 2 && typeof first === 'string') return first;
  const members: Members = {};
  let text = '';
  let hasElements = false;
  let hasAttributes = false;
  for (const name in attributes) {
    const value = attributes[name] as string;
    if (NIL.test(name) && TRUE.test(value)) return null;
    if (NAMESPACE.test(name) || SCHEMA_INSTANCE.test(name)) continue;
    members[`@${localName(name)}`] = value;
    hasAttributes = true;
  }
  for (const node of nodes) {
    if (typeof node === 'string') text += node;
    else {
      addMember(members, localName(node.name), toJsonValue(node));
      hasElements = true;
    }
  }
  if (!hasElements && !hasAttributes) return text;
  if (hasElements ? text.trim() !== '' : text !== '') members['#text'] = text;
  return members;
}

/** Returns a field's value without attributes, because the contract's fields have none. */
export function withoutAttributes(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const isLeaf = Object.keys(value).every((name) => name === '#text' || name.startsWith('@'));
  return isLeaf ? (value['#text'] ?? '') : value;
}

function addMember(members: Members, name: string, value: JsonValue): void {
  const earlier = Object.hasOwn(members, name) ? members[name] : undefined;
  if (earlier === undefined) members[name] = value;
  else if (Array.isArray(earlier)) earlier.push(value);
  else members[name] = [earlier, value];
}

/** Attribute values by name, prefix included. */
export type XmlAttributes = Readonly<Record<string, string>>;

export interface XmlElement {
  /** The name, prefix included. */
  readonly name: string;
  readonly attributes: XmlAttributes;
  /** The elements and texts in it, in order. */
  readonly nodes: readonly XmlNode[];
}

export type XmlNode = XmlElement | string;

export const NO_ATTRIBUTES: XmlAttributes = Object.freeze({});

const REFERENCE = /&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g;
const PREDEFINED = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" } as const;

/** A name without its prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** Replaces character references and predefined entities with their characters. */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  // A large text can contain a million references. Several passes over it are faster than one call per reference.
  if (!text.includes('&#')) return decodePredefined(text);
  return text.replace(REFERENCE, (_, hex?: string, decimal?: string, name?: keyof typeof PREDEFINED) => {
    if (name !== undefined) return PREDEFINED[name];
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** `&amp;` comes last, because the `&` that it gives must not start another reference. */
function decodePredefined(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
