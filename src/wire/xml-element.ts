import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from '../contract/json-value.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  // A reader turns a bare carriage return into a line feed.
  '\r': '&#xD;',
};

/**
 * A value as an element: null as `xsi:nil`, an array as one element for each item, an object's `@name` members as attributes
 * and its `#text` as text. Texts hold no character that XML 1.0 cannot carry (`characterNotInXml`).
 */
export function toXmlElement(name: string, value: JsonValue): string {
  if (typeof value === 'string') return value === '' ? `<${name} />` : `<${name}>${escapeText(value)}</${name}>`;
  if (value === null) return `<${name} xsi:nil="true" />`;
  if (Array.isArray(value)) return value.map((item: JsonValue) => toXmlElement(name, item)).join('');
  if (isJsonObject(value)) return objectElement(name, value);
  return `<${name}>${scalarText(value)}</${name}>`;
}

function objectElement(name: string, members: JsonObject): string {
  let attributes = '';
  let content = '';
  for (const [key, value] of Object.entries(members)) {
    if (value === undefined) continue;
    if (key === '#text') content += escapeText(scalarText(value));
    else if (key.startsWith('@')) attributes += ` ${toXmlName(key.slice(1))}="${escapeAttribute(scalarText(value))}"`;
    else content += toXmlElement(toXmlName(key), value);
  }
  return content === '' ? `<${name}${attributes} />` : `<${name}${attributes}>${content}</${name}>`;
}

function scalarText(value: JsonValue): string {
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What a name may not hold goes as .NET's XmlConvert writes it: `_x0020_` for a blank. */
export function toXmlName(name: string): string {
  return name.replace(
    /^[\d.-]|[^\w.-]/g,
    (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
  );
}

function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (character) => ESCAPES[character] as string) : text;
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] as string);
}
