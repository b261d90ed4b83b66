import { isJsonObject, type JsonValue } from '../contract/json-value.ts';
import { localName, NO_ATTRIBUTES, type XmlElement } from './xml-node.ts';

type Members = Record<string, JsonValue>;

const NAMESPACE = /^xmlns(?::|$)/;
/** The attributes of XML Schema's instance namespace, by any prefix. */
const SCHEMA_INSTANCE = /^[^:]+:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$/;
const NIL = /^[^:]+:nil$/;
const TRUE = /^[\t\n\r ]*(?:true|1)[\t\n\r ]*$/;

/**
 * An element's content as JSON would have it: null for `xsi:nil`, text for a leaf, else an object of its elements by local
 * name, an array where a name is repeated, attributes as `@name` and text beside them as `#text`.
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
