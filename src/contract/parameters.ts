import { syntaxErrorPlace } from './json-value.ts';

/** The formats of Parameters. The contract says of ContentType: "Must either be application/xml or application/json." */
export const CONTENT_TYPES = ['application/json', 'application/xml'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

const NOT_IN_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Returns why a text is not a well-formed XML document, for the caller; null if it is one. */
export type XmlChecker = (text: string) => string | null;

/**
 * Returns why `text` does not parse as its ContentType, for the caller; null if it does. This check is the gateway's own: the
 * contract only names the two formats.
 */
export function parametersProblem(text: string, contentType: ContentType, xmlProblem: XmlChecker): string | null {
  if (!text.isWellFormed()) return 'contains an unpaired surrogate, which no encoding can carry';
  if (contentType === 'application/xml') {
    const problem = xmlProblem(text);
    return problem && `is not well-formed XML although contentType is application/xml: ${problem}`;
  }
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `is not JSON although contentType is application/json${syntaxErrorPlace(error as SyntaxError)}`;
  }
}

/** The first character of `text` that XML 1.0 cannot carry, written as `U+FFFE`; null if it can carry all of them. */
export function characterNotInXml(text: string): string | null {
  const [character] = text.match(NOT_IN_XML) ?? [];
  return character === undefined ? null : `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Replaces every character that XML 1.0 cannot carry with U+FFFD. */
export function replaceCharactersNotInXml(text: string): string {
  return text.replace(NOT_IN_XML, '\uFFFD');
}
