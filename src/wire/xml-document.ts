import { XMLParser } from 'fast-xml-parser';
import { SaxesParser } from 'saxes';
import { MAX_DEPTH, nameProblem, TOO_DEEP } from './tree.ts';

/** An element or a run of text as fast-xml-parser gives it: `{ name: nodes, ':@': attributes }` or `{ '#text': text }`. */
export interface XmlNode {
  readonly ':@'?: XmlAttributes;
  readonly '#text'?: string;
  readonly [name: string]: unknown;
}
/** By name, prefix included, each with an `@` before it. */
export type XmlAttributes = Readonly<Record<string, string>>;

export interface XmlElement {
  /** Prefix included. */
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly nodes: readonly XmlNode[];
}

const REFERENCE = /&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g;
const PREDEFINED = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" } as const;
const NO_ATTRIBUTES: XmlAttributes = {};

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  jPath: false,
  maxNestedTags: MAX_DEPTH,
  // Names such as toString, which it would otherwise change.
  onDangerousProperty: (name) => name,
  // Its own decoder leaves character references as they are.
  entityDecoder: {
    decode: decodeReferences,
    reset: () => {},
    addInputEntities: () => {},
    setExternalEntities: () => {},
    setXmlVersion: () => {},
  },
});

/** What is wrong with a text as an XML document, in words that repeat nothing of it; null when it is well-formed and has no DOCTYPE. */
export function xmlProblem(text: string): string | null {
  const gate = createGate();
  const problem = gateProblem(gate, text);
  // A name stands after a colon.
  return problem && `${problem.replace(/(?::.*|\.)$/s, '')} (line ${gate.line}, column ${gate.column})`;
}

/**
 * A document's root. fast-xml-parser accepts much that is not XML, so it reads only what a strict parser has passed; and
 * only what holds comments or CDATA sections, for of all else the strict parser has seen every part already.
 */
export function parseXmlDocument(text: string): XmlElement | { readonly problem: string } {
  const gate = createGate();
  const tree = createTree();
  let refusal: string | null = null;
  let depth = 0;
  const refuse = (problem: string): void => {
    refusal = problem;
    gate.fail(problem);
  };
  gate.on('xmldecl', ({ version }) => {
    if (version !== '1.0') refuse('is XML of another version than 1.0');
  });
  gate.on('doctype', () => refuse('holds a DOCTYPE, which is refused'));
  // fast-xml-parser takes a quote inside an instruction for the start of a string and skips elements after it.
  gate.on('processinginstruction', () => refuse('holds a processing instruction, which is refused'));
  gate.on('opentagstart', ({ name }) => {
    const problem = nameProblem(localName(name));
    if (problem) refuse(problem);
    depth += 1;
    if (depth > MAX_DEPTH) refuse(TOO_DEEP);
  });
  gate.on('opentag', ({ name, attributes }) => tree.open(name, attributes as XmlAttributes));
  gate.on('text', (run) => tree.add({ '#text': run }));
  gate.on('closetag', () => {
    depth -= 1;
    tree.close();
  });
  if (gateProblem(gate, text) !== null) {
    return { problem: refusal ?? `is not well-formed XML (line ${gate.line}, column ${gate.column})` };
  }
  const [root] = (text.includes('<!') ? parser.parse(text) : tree.root) as [XmlNode];
  const name = elementName(root);
  return { name, attributes: root[':@'] ?? NO_ATTRIBUTES, nodes: root[name] as readonly XmlNode[] };
}

/** The document's nodes as fast-xml-parser would give them, added one after the other. */
function createTree() {
  const root: XmlNode[] = [];
  const parents: XmlNode[][] = [];
  let nodes = root;
  return {
    root,
    open(name: string, attributes: XmlAttributes): void {
      const content: XmlNode[] = [];
      nodes.push(toNode(name, content, attributes));
      parents.push(nodes);
      nodes = content;
    },
    add(text: XmlNode): void {
      // Around the root there are blanks at the most.
      if (parents.length > 0) nodes.push(text);
    },
    close(): void {
      nodes = parents.pop() ?? root;
    },
  };
}

function toNode(name: string, content: readonly XmlNode[], attributes: XmlAttributes): XmlNode {
  let named: Record<string, string> | null = null;
  for (const attribute in attributes) {
    named ??= {};
    named[`@${attribute}`] = attributes[attribute] as string;
  }
  return named ? { [name]: content, ':@': named } : { [name]: content };
}

/** An element's name, prefix included; `#text` for a run of text. */
export function elementName(node: XmlNode): string {
  return Object.keys(node)[0] as string;
}

/** A name without its prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function createGate(): SaxesParser<{ position: false }> {
  const gate = new SaxesParser({ position: false });
  gate.on('doctype', () => gate.fail('a DOCTYPE is not accepted'));
  return gate;
}

function gateProblem(gate: SaxesParser<{ position: false }>, text: string): string | null {
  try {
    gate.write(text).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (_, hex?: string, decimal?: string, name?: keyof typeof PREDEFINED) => {
    if (name !== undefined) return PREDEFINED[name];
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
