/** Reads plain XML documents, which most are, at a tenth of a parser's cost. */
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { MAX_DEPTH, MAX_VALUES, nameProblem } from './json.ts';
import {
  decodeReferences,
  localName,
  NO_ATTRIBUTES,
  type XmlAttributes,
  type XmlElement,
  type XmlNode,
} from './xml-document.ts';

interface StartTag {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly isSelfClosing: boolean;
  /** The number of values that it counts as: itself and its attributes. */
  readonly values: number;
}

/** Characters that are not XML, or may not be. */
const UNUSUAL_CHARACTER = /[^\t\n\u0020-\u007E\u00A0-\uFFFD]/;
/** XML has fewer blanks than `trim` removes. */
const NOT_BLANK = /[^\t\n ]/;
const DECLARATION =
  /^<\?xml version=(["'])1\.0\1(?: encoding=(["'])[A-Za-z][\w.-]*\2)?(?: standalone=(["'])(?:yes|no)\3)? ?\?>[\t\n ]*/;
/** Any reference except those that serializers write: to a predefined entity, a tab, a line end, or a letter that is not ASCII. */
const OTHER_REFERENCE =
  /&(?!(?:amp|lt|gt|quot|apos|#(?:9|1[03]|[1-9]\d{2,3})|#x(?:[9AaDd]|[2-9A-Fa-f][\dA-Fa-f]{1,2}));)/;
const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
/** The text between the brackets of a start tag. */
const START_TAG = new RegExp(`^(${NAME})((?:[\\t\\n ]+${NAME}=(?:"[^"<&\\t\\n]*"|'[^'<&\\t\\n]*'))*)[\\t\\n ]*(/?)$`);
const ATTRIBUTE = new RegExp(`(${NAME})=(?:"([^"]*)"|'([^']*)')`, 'g');
const SLASH = '/'.charCodeAt(0);

const MAX_TAG_LENGTH = 2_000;
/** Services write the same start tags again and again. */
const startTags = createBoundedCache<StartTag>({ maxEntries: 1_000, maxLength: 200_000 });

/**
 * Returns the root of a document as services write it: ASCII names, attributes without references, usual references in text, but no
 * comments, CDATA sections or instructions. Returns null for any other text, well-formed or not, and for one that exceeds a
 * limit; `parseXml` then has to read it. A property test checks that both return the same tree.
 */
export function readPlainXml(document: string): XmlElement | null {
  const text = document.includes('\r') ? document.replace(/\r\n?/g, '\n') : document;
  if (UNUSUAL_CHARACTER.test(text) || !text.isWellFormed() || text.includes(']]>')) return null;
  let values = 0;
  let at = text.startsWith('<?') ? (DECLARATION.exec(text)?.[0].length ?? 0) : 0;
  const top: XmlNode[] = [];
  const open: XmlElement[] = [];
  let nodes = top;
  for (;;) {
    const tagAt = text.indexOf('<', at);
    if (tagAt !== at) {
      const run = text.slice(at, tagAt === -1 ? undefined : tagAt);
      if (open.length === 0 ? NOT_BLANK.test(run) : OTHER_REFERENCE.test(run)) return null;
      if (open.length > 0) nodes.push(decodeReferences(run));
    }
    if (tagAt === -1) break;
    const tagEnd = text.indexOf('>', tagAt);
    if (tagEnd === -1) return null;
    at = tagEnd + 1;
    if (text.charCodeAt(tagAt + 1) === SLASH) {
      const name = open.pop()?.name;
      if (name === undefined || tagEnd - tagAt - 2 !== name.length || !text.startsWith(name, tagAt + 2)) return null;
      nodes = (open.at(-1)?.nodes ?? top) as XmlNode[];
    } else {
      const tag = toStartTag(text.slice(tagAt + 1, tagEnd));
      if (!tag || open.length >= MAX_DEPTH || (open.length === 0 && top.length > 0)) return null;
      values += tag.values;
      if (values > MAX_VALUES) return null;
      const element = { name: tag.name, attributes: tag.attributes, nodes: [] };
      nodes.push(element);
      if (!tag.isSelfClosing) {
        open.push(element);
        nodes = element.nodes;
      }
    }
  }
  const [root] = top;
  return open.length === 0 && typeof root === 'object' ? root : null;
}

function toStartTag(text: string): StartTag | null {
  const known = startTags.get(text);
  if (known || text.length > MAX_TAG_LENGTH) return known ?? null;
  // A copy, because a substring keeps the whole document in memory.
  const own = JSON.parse(JSON.stringify(text)) as string;
  const tag = parseStartTag(own);
  if (tag) startTags.set(own, tag);
  return tag;
}

function parseStartTag(text: string): StartTag | null {
  const [, name, given = '', slash] = START_TAG.exec(text) ?? [];
  if (name === undefined || nameProblem(localName(name))) return null;
  const attributes: Record<string, string> = {};
  let values = 1;
  for (const [, attribute = '', quoted, value = quoted ?? ''] of given.matchAll(ATTRIBUTE)) {
    if (Object.hasOwn(attributes, `@${attribute}`)) return null;
    attributes[`@${attribute}`] = value;
    values += 1;
  }
  return { name, attributes: values === 1 ? NO_ATTRIBUTES : attributes, isSelfClosing: slash === '/', values };
}
