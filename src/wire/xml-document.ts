import { XMLParser } from 'fast-xml-parser';
import { SaxesParser } from 'saxes';
import { readPlainXml } from './plain-xml.ts';
import { MAX_DEPTH, nameProblem, TOO_DEEP } from './parsed-tree.ts';
import {
  decodeReferences,
  localName,
  NO_ATTRIBUTES,
  type XmlAttributes,
  type XmlElement,
  type XmlNode,
} from './xml-tree.ts';
import { xmlSizeProblem } from './value-count.ts';

/** As fast-xml-parser gives it: `{ name: nodes }` or `{ '#text': text }`. */
interface ParsedNode {
  readonly '#text'?: string;
  readonly [name: string]: unknown;
}

const parser = new XMLParser({
  preserveOrder: true,
  // It would leave the line feeds in them, which are blanks: the strict parser has read them.
  ignoreAttributes: true,
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

/** A document's root; most documents are plain enough to need no parser. */
export function parseXmlDocument(text: string): XmlElement | { readonly problem: string } {
  const problem = xmlSizeProblem(text);
  return problem ? { problem } : (readPlainXml(text) ?? parseStrictly(text));
}

/**
 * The same by a strict parser. fast-xml-parser accepts much that is not XML, so it reads only what the strict parser has
 * passed; and only what holds comments or CDATA sections, for of all else the strict parser has seen every part already.
 */
export function parseStrictly(text: string): XmlElement | { readonly problem: string } {
  const gate = createGate();
  const tree = createTree();
  /** Of every element, in the order of their start tags. */
  const attributesInOrder: XmlAttributes[] = [];
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
  gate.on('opentag', ({ name, attributes: given }) => {
    const attributes = Object.keys(given).length === 0 ? NO_ATTRIBUTES : { ...(given as XmlAttributes) };
    attributesInOrder.push(attributes);
    tree.open(name, attributes);
  });
  gate.on('text', (run) => tree.add(run));
  gate.on('closetag', () => {
    depth -= 1;
    tree.close();
  });
  if (gateProblem(gate, text) !== null) {
    return { problem: refusal ?? `is not well-formed XML (line ${gate.line}, column ${gate.column})` };
  }
  const nodes = text.includes('<!') ? toNodes(parser.parse(text), attributesInOrder.values()) : tree.root;
  return nodes[0] as XmlElement;
}

/** The document's nodes, added one after the other. */
function createTree() {
  const root: XmlNode[] = [];
  const parents: XmlNode[][] = [];
  let nodes = root;
  return {
    root,
    open(name: string, attributes: XmlAttributes): void {
      const content: XmlNode[] = [];
      nodes.push({ name, attributes, nodes: content });
      parents.push(nodes);
      nodes = content;
    },
    add(run: string): void {
      // Around the root there are blanks at the most.
      if (parents.length > 0) nodes.push(run);
    },
    close(): void {
      nodes = parents.pop() ?? root;
    },
  };
}

/** Each element takes its attributes before its content takes its own. */
function toNodes(parsed: readonly ParsedNode[], attributesInOrder: Iterator<XmlAttributes>): readonly XmlNode[] {
  return parsed.map((node) => {
    const [name = ''] = Object.keys(node);
    if (name === '#text') return node['#text'] ?? '';
    const attributes = (attributesInOrder.next().value as XmlAttributes | undefined) ?? NO_ATTRIBUTES;
    return { name, attributes, nodes: toNodes(node[name] as readonly ParsedNode[], attributesInOrder) };
  });
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
