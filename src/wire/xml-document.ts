/**
 * Parses XML text into elements, for answers and requests alike: `parseXmlDocument`. xml.ts calls it and gives the elements their
 * meaning; xml-tree.ts defines them.
 */
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

/** A node from fast-xml-parser: `{ name: nodes }` or `{ '#text': text }`. */
interface ParsedNode {
  readonly '#text'?: string;
  readonly [name: string]: unknown;
}

const parser = new XMLParser({
  preserveOrder: true,
  // It would keep line feeds in attribute values, which XML turns into blanks. The strict parser reads attributes instead.
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  jPath: false,
  maxNestedTags: MAX_DEPTH,
  // Keeps names such as toString, which it would otherwise rename.
  onDangerousProperty: (name) => name,
  // Its own decoder does not decode character references.
  entityDecoder: {
    decode: decodeReferences,
    reset: () => {},
    addInputEntities: () => {},
    setExternalEntities: () => {},
    setXmlVersion: () => {},
  },
});

/** Returns why a text is not a well-formed XML document without a DOCTYPE, quoting nothing of it; null if it is one. */
export function xmlProblem(text: string): string | null {
  const gate = createGate();
  const problem = gateProblem(gate, text);
  // The parser's message quotes a name after a colon.
  return problem && `${problem.replace(/(?::.*|\.)$/s, '')} (line ${gate.line}, column ${gate.column})`;
}

/** Parses an XML document and returns its root. Most documents are plain and need no parser. */
export function parseXmlDocument(text: string): XmlElement | { readonly problem: string } {
  const problem = xmlSizeProblem(text);
  return problem ? { problem } : (readPlainXml(text) ?? parseStrictly(text));
}

/**
 * Parses a document with saxes, which rejects everything that is not well-formed. Documents with comments or CDATA sections are
 * then read once more by fast-xml-parser, which alone would accept much that is not XML.
 */
export function parseStrictly(text: string): XmlElement | { readonly problem: string } {
  const gate = createGate();
  const tree = createTree();
  /** The attributes of every element, in the order of the start tags. */
  const attributesInOrder: XmlAttributes[] = [];
  let refusal: string | null = null;
  let depth = 0;
  const refuse = (problem: string): void => {
    refusal = problem;
    gate.fail(problem);
  };
  gate.on('xmldecl', ({ version }) => {
    if (version !== '1.0') refuse('is not XML 1.0');
  });
  gate.on('doctype', () => refuse('contains a DOCTYPE, which is not accepted'));
  // fast-xml-parser reads a quote inside an instruction as the start of a string and skips the elements after it.
  gate.on('processinginstruction', () => refuse('contains a processing instruction, which is not accepted'));
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

/** Builds the tree of a document from parser events. */
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
      // Outside the root there are only blanks.
      if (parents.length > 0) nodes.push(run);
    },
    close(): void {
      nodes = parents.pop() ?? root;
    },
  };
}

/** Converts nodes of fast-xml-parser. An element takes its attributes before the elements in it take theirs. */
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
