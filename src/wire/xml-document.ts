/**
 * Parses XML text into elements with fast-xml-parser, judges with saxes whether a text is XML, and converts elements to the tree
 * that the same content in JSON would give.
 */
import { XMLParser } from 'fast-xml-parser';
import { SaxesParser } from 'saxes';
import { isJsonObject, type JsonValue } from '../contract/json-value.ts';
import { MAX_DEPTH, MAX_VALUES, nameProblem, TOO_DEEP, TOO_MANY_VALUES } from './json.ts';

export interface XmlElement {
  /** The name, prefix included. */
  readonly name: string;
  /** Attribute values by `@` and the name, prefix included. */
  readonly attributes: XmlAttributes;
  /** The elements and texts in it, in order. */
  readonly nodes: readonly XmlNode[];
}

export type XmlNode = XmlElement | string;
export type XmlAttributes = Readonly<Record<string, string>>;

export const NO_ATTRIBUTES: XmlAttributes = Object.freeze({});

/** A node from fast-xml-parser: `{ '.name': nodes, ':@': attributes }`, `{ '#text': text }` or `{ '#cdata': [{ '#text': text }] }`. */
interface ParsedNode {
  readonly '#text'?: string;
  readonly '#cdata'?: readonly [{ readonly '#text': string }];
  readonly ':@'?: XmlAttributes;
  readonly [name: string]: unknown;
}

const OTHER_VERSION = /^\uFEFF?<\?xml\s+version\s*=\s*(["'])1\.(?!0\1)\d+\1/;

const parser = new XMLParser({
  preserveOrder: true,
  // It would rename elements such as toString and refuse others such as constructor. No XML name starts with a dot or an @.
  transformTagName: (name) => (name.startsWith('.') ? name : `.${name}`),
  attributeNamePrefix: '@',
  ignoreAttributes: false,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  // It would leave character references as they are, and line feeds in attributes, which XML turns into blanks.
  processEntities: false,
  attributeValueProcessor: (_name, text) => decodeReferences(text.replace(/[\t\n]/g, ' ')),
  cdataPropName: '#cdata',
  jPath: false,
  maxNestedTags: MAX_DEPTH,
});

/** Parses any document within the limits of this room and returns its root. */
export function parseXml(text: string): XmlElement | { readonly problem: string } {
  const problem = documentProblem(text);
  if (problem !== null) return { problem };
  const [root] = (parser.parse(text) as readonly ParsedNode[]).map(toNode);
  return root as XmlElement;
}

/** Returns why a text is not a well-formed XML document without a DOCTYPE, quoting nothing of it; null if it is one. */
export function xmlProblem(text: string): string | null {
  const gate = new SaxesParser({ position: false });
  gate.on('doctype', () => gate.fail('a DOCTYPE is not accepted'));
  const problem = syntaxProblem(gate, text);
  // The parser's message quotes a name after a colon.
  return problem && `${problem.replace(/(?::.*|\.)$/s, '')} (line ${gate.line}, column ${gate.column})`;
}

/**
 * Returns why a document is not read; null if it is. fast-xml-parser alone would accept much that is not XML, and the limits
 * are to bound its work.
 */
function documentProblem(text: string): string | null {
  if (OTHER_VERSION.test(text)) return 'is not XML 1.0';
  const gate = new SaxesParser({ position: false });
  let refusal: string | null = null;
  let values = 0;
  let depth = 0;
  const refuse = (problem: string): void => {
    refusal = problem;
    gate.fail(problem);
  };
  const count = (): void => {
    values += 1;
    if (values > MAX_VALUES) refuse(TOO_MANY_VALUES);
  };
  // V8 makes the gate a slow dictionary if it gets more than seven handlers.
  gate.on('doctype', () => refuse('contains a DOCTYPE, which is not accepted'));
  // fast-xml-parser reads a quote inside an instruction as the start of a string and skips the elements after it.
  gate.on('processinginstruction', () => refuse('contains a processing instruction, which is not accepted'));
  gate.on('opentagstart', ({ name }) => {
    const problem = nameProblem(localName(name)) ?? blankProblem(name);
    if (problem) refuse(problem);
    count();
    depth += 1;
    if (depth > MAX_DEPTH) refusal ??= TOO_DEEP;
  });
  gate.on('attribute', ({ name }) => {
    const problem = blankProblem(name);
    if (problem) refuse(problem);
    count();
  });
  gate.on('comment', count);
  gate.on('cdata', count);
  gate.on('closetag', () => {
    depth -= 1;
  });
  const problem = syntaxProblem(gate, text);
  return refusal ?? (problem && `is not well-formed XML (line ${gate.line}, column ${gate.column})`);
}

/** XML allows U+1680 and U+FEFF in a name. fast-xml-parser ends a name there, as at any blank of JavaScript. */
function blankProblem(name: string): string | null {
  return /\s/.test(name) ? 'contains a name with a blank, which is not accepted' : null;
}

function syntaxProblem(gate: SaxesParser<{ position: false }>, text: string): string | null {
  try {
    gate.write(text).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function toNode(node: ParsedNode): XmlNode {
  const { '#text': text, '#cdata': section, ':@': attributes = NO_ATTRIBUTES } = node;
  if (text !== undefined) return decodeReferences(text);
  if (section) return section[0]['#text'];
  const [name = ''] = Object.keys(node);
  return { name: name.slice(1), attributes, nodes: (node[name] as readonly ParsedNode[]).map(toNode) };
}

/** The texts of xsd:boolean. */
export const BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  Object.entries({ true: true, 1: true, false: false, 0: false }),
);

const XMLNS = /^@xmlns(?::|$)/;
/** The attributes of the XML Schema instance namespace, with any prefix. */
const SCHEMA_INSTANCE = /^@[^:]+:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$/;
const NIL = /^@[^:]+:nil$/;
const TRUE = /^[\t\n\r ]*(?:true|1)[\t\n\r ]*$/;

/**
 * Converts an element to JSON: `xsi:nil` to null, a leaf to its text, any other element to an object of its elements by local
 * name. A repeated name gives an array, an attribute a member `@name`, and text beside elements or attributes a member `#text`.
 */
export function toJsonValue({ attributes, nodes }: XmlElement): JsonValue {
  const [first = ''] = nodes;
  if (attributes === NO_ATTRIBUTES && nodes.length < 2 && typeof first === 'string') return first;
  const members: Record<string, JsonValue> = {};
  let text = '';
  let hasElements = false;
  let hasAttributes = false;
  for (const name in attributes) {
    const value = attributes[name] as string;
    if (NIL.test(name) && TRUE.test(value)) return null;
    if (XMLNS.test(name) || SCHEMA_INSTANCE.test(name)) continue;
    members[`@${localName(name.slice(1))}`] = value;
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

function addMember(members: Record<string, JsonValue>, name: string, value: JsonValue): void {
  const earlier = Object.hasOwn(members, name) ? members[name] : undefined;
  if (earlier === undefined) members[name] = value;
  else if (Array.isArray(earlier)) earlier.push(value);
  else members[name] = [earlier, value];
}

/** A name without its prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** The references that serializers write often, with their characters. */
const USUAL_REFERENCES = Object.entries({
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#xD;': '\r',
  '&#xA;': '\n',
  '&#13;': '\r',
  '&#10;': '\n',
});

/** Replaces character references and predefined entities with their characters. */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  // A large text can contain a million references. Several passes over it are faster than one call per reference.
  let decoded = text;
  for (const [reference, character] of USUAL_REFERENCES) decoded = decoded.replaceAll(reference, character);
  decoded = decoded.replace(/&#(x?[\da-fA-F]+);/g, (_, code: string) => {
    const character = String.fromCodePoint(Number(code.startsWith('x') ? `0${code}` : code));
    return character === '&' ? '&amp;' : character;
  });
  // Last, because the `&` that it gives must not start another reference.
  return decoded.replaceAll('&amp;', '&');
}
