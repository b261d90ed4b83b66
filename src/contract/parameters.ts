/** The formats the contract lets Parameters be in: "Must either be application/xml or application/json." */
export const CONTENT_TYPES = ['application/json', 'application/xml'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

const NOT_IN_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** What is wrong with a text as an XML document, in words for the caller; null when it is well-formed. */
export type XmlProblem = (text: string) => string | null;

/** Why `text` does not parse as its ContentType, in words for the caller; null when it does. */
export function parametersProblem(text: string, contentType: ContentType, xmlProblem: XmlProblem): string | null {
  if (!text.isWellFormed()) return 'holds an unpaired surrogate, which no encoding can carry';
  if (contentType === 'application/xml') {
    const problem = xmlProblem(text);
    return problem && `is not well-formed XML, which contentType says it is: ${problem}`;
  }
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    // The engine's own message quotes the text, which is nobody's business but the caller's.
    const [, position] = /at position (\d+)/.exec((error as SyntaxError).message) ?? [];
    return `is not JSON, which contentType says it is${position ? `: it goes wrong at character ${position}` : ''}`;
  }
}

/** The first character of `text` that XML 1.0 cannot carry, as `U+FFFE`; null when there is none. */
export function characterNotInXml(text: string): string | null {
  const [character] = text.match(NOT_IN_XML) ?? [];
  return character === undefined ? null : `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** `text` with U+FFFD for every character that XML 1.0 cannot carry. */
export function replaceCharactersNotInXml(text: string): string {
  return text.replace(NOT_IN_XML, '\uFFFD');
}
