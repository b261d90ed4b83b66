import { isJsonObject, type JsonValue } from '../contract/json-value.ts';
import { elementName, localName, type XmlAttributes, type XmlNode } from './xml-document.ts';

type Members = Record<string, JsonValue>;

const NAMESPACE = /^@xmlns(?::|$)/;
/** The attributes of XML Schema's instance namespace, by any prefix. */
const SCHEMA_INSTANCE = /^@[^:]+:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$/;
const NIL = /^@[^:]+:nil$/;
const TRUE = /^[\t\n\r ]*(?:true|1)[\t\n\r ]*$/;

/**
 * An element's content as JSON would have it: null for `xsi:nil`, text for a leaf, else an object of its elements by local
 * name, an array where a name is repeated, attributes as `@name` and text beside them as `#text`.
 */
export function toJsonValue(nodes: readonly XmlNode[], attributes: XmlAttributes | undefined): JsonValue {
  const members: Members = {};
  let text = '';
  let hasElements = false;
  let hasAttributes = false;
  if (attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (NIL.test(name) && TRUE.test(value)) return null;
      if (NAMESPACE.test(name) || SCHEMA_INSTANCE.test(name)) continue;
      members[`@${localName(name.slice(1))}`] = value;
      hasAttributes = true;
    }
  }
  for (const node of nodes) {
    const name = elementName(node);
    if (name === '#text') {
      text += node['#text'];
    } else {
      addMember(members, localName(name), toJsonValue(node[name] as readonly XmlNode[], node[':@']));
      hasElements = true;
    }
  }
  if (!hasElements && !hasAttributes) return text;
  if (hasElements ? text.trim() !== '' : text !== '') members['#text'] = text;
  return members;
}

/** A field's value without attributes, which the contract's fields do not have. */
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
