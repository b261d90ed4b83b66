import { MAX_DEPTH, nameProblem } from './parsed-tree.ts';
import {
  decodeReferences,
  localName,
  NO_ATTRIBUTES,
  type XmlAttributes,
  type XmlElement,
  type XmlNode,
} from './xml-tree.ts';

interface StartTag {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly isWhole: boolean;
}

/** A line feed is the only line end that stays what it is; the rest is not XML, or may not be. */
const UNUSUAL_CHARACTER = /[^\t\n\u0020-\u007E\u00A0-\uD7FF\uE000-\uFFFD]/;
/** XML knows fewer blanks than `trim` does. */
const NOT_BLANK = /[^\t\n ]/;
const DECLARATION = /^<\?xml version="1\.0"(?: encoding="[A-Za-z][\w.-]*")?(?: standalone="(?:yes|no)")? ?\?>[\t\n ]*/;
/** References to the predefined entities alone; a character reference may stand for what is no character. */
const OTHER_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos);)/;
const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
/** Between its brackets. */
const START_TAG = new RegExp(`^(${NAME})((?:[\\t\\n ]+${NAME}="[^"<&\\t\\n]*")*)[\\t\\n ]*(/?)$`);
const ATTRIBUTE = new RegExp(`(${NAME})="([^"]*)"`, 'g');
const SLASH = '/'.charCodeAt(0);

/** Services write the same tags over and over; what is kept of them is bounded. */
const MAX_KEPT_TAGS = 1_000;
const MAX_KEPT_LENGTH = 200;
const keptTags = new Map<string, StartTag>();

/**
 * The root of a document as services write them: names in ASCII, attributes in double quotes, no comment, no CDATA section, no
 * instruction, no reference but the predefined. It has no semantics of its own: null for everything else, well-formed or
 * not, and a strict parser has to say what that is. One property compares both.
 */
export function readPlainXml(text: string): XmlElement | null {
  if (UNUSUAL_CHARACTER.test(text) || text.includes(']]>')) return null;
  let at = text.startsWith('<?') ? (DECLARATION.exec(text)?.[0].length ?? 0) : 0;
  const top: XmlNode[] = [];
  const open: XmlElement[] = [];
  let nodes = top;
  for (;;) {
    const tagAt = text.indexOf('<', at);
    if (tagAt !== at) {
      const run = text.slice(at, tagAt === -1 ? undefined : tagAt);
      if (open.length === 0 ? NOT_BLANK.test(run) : hasOtherReference(run)) return null;
      if (open.length > 0) nodes.push(decodeReferences(run));
    }
    if (tagAt === -1) break;
    const tagEnd = text.indexOf('>', tagAt);
    if (tagEnd === -1) return null;
    at = tagEnd + 1;
    if (text.charCodeAt(tagAt + 1) === SLASH) {
      const element = open.pop();
      if (element?.name !== text.slice(tagAt + 2, tagEnd)) return null;
      nodes = (open.at(-1)?.nodes ?? top) as XmlNode[];
    } else {
      const tag = toStartTag(text.slice(tagAt + 1, tagEnd));
      if (!tag || open.length >= MAX_DEPTH || (open.length === 0 && top.length > 0)) return null;
      const element = { name: tag.name, attributes: tag.attributes, nodes: [] };
      nodes.push(element);
      if (!tag.isWhole) {
        open.push(element);
        nodes = element.nodes;
      }
    }
  }
  const [root] = top;
  return open.length === 0 && typeof root === 'object' ? root : null;
}

function hasOtherReference(run: string): boolean {
  return run.includes('&') && OTHER_REFERENCE.test(run);
}

function toStartTag(text: string): StartTag | null {
  const kept = keptTags.get(text);
  if (kept) return kept;
  if (text.length > MAX_KEPT_LENGTH) return parseStartTag(text);
  // Whoever fills it with tags of his own costs the others one more look at theirs.
  if (keptTags.size >= MAX_KEPT_TAGS) keptTags.clear();
  // A copy, for a part of a text keeps the whole of it.
  const own = JSON.parse(JSON.stringify(text)) as string;
  const tag = parseStartTag(own);
  if (tag) keptTags.set(own, tag);
  return tag;
}

function parseStartTag(text: string): StartTag | null {
  const [, name, given = '', slash] = START_TAG.exec(text) ?? [];
  if (name === undefined || nameProblem(localName(name))) return null;
  if (given === '') return { name, attributes: NO_ATTRIBUTES, isWhole: slash === '/' };
  const attributes: Record<string, string> = {};
  for (const [, attribute = '', value = ''] of given.matchAll(ATTRIBUTE)) {
    if (Object.hasOwn(attributes, attribute) || nameProblem(localName(attribute))) return null;
    attributes[attribute] = value;
  }
  return { name, attributes, isWhole: slash === '/' };
}
