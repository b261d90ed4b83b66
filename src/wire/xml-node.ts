/** By name, prefix included. */
export type XmlAttributes = Readonly<Record<string, string>>;

export interface XmlElement {
  /** Prefix included. */
  readonly name: string;
  readonly attributes: XmlAttributes;
  /** Elements and runs of text, in order. */
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

/** A text with what its character references and predefined entities stand for. */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  // A large text has a million of them: passes over the whole of it are faster than a call for each reference.
  if (!text.includes('&#')) return decodePredefined(text);
  return text.replace(REFERENCE, (_, hex?: string, decimal?: string, name?: keyof typeof PREDEFINED) => {
    if (name !== undefined) return PREDEFINED[name];
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** `&amp;` comes last: what it gives must not be read as another reference. */
function decodePredefined(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
