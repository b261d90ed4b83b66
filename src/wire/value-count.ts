/** The maximum number of values, or of elements and attributes, in a body. So many are read within milliseconds. */
export const MAX_VALUES = 10_000;
/** The longest name of a JSON member, in characters. */
export const MAX_NAME_LENGTH = 1_000;

export const TOO_MANY_VALUES = `contains more than ${MAX_VALUES} values`;
export const TOO_LONG_NAME = `contains a name of more than ${MAX_NAME_LENGTH} characters`;

const QUOTE = '"'.charCodeAt(0);
const APOSTROPHE = "'".charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const OPEN_BRACKET = '['.charCodeAt(0);
const OPEN_BRACE = '{'.charCodeAt(0);
const SLASH = '/'.charCodeAt(0);
const EQUALS = '='.charCodeAt(0);
const GREATER = '>'.charCodeAt(0);

/**
 * Returns why a JSON text has too many values or too long a name to be parsed; null if it has not. Counts without parsing,
 * because the parser's work is what this limits.
 */
export function jsonSizeProblem(text: string): string | null {
  if (text.length <= MAX_VALUES) return null;
  let values = 0;
  let stringLength = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at + 1);
      stringLength = end - at;
      at = end;
    } else if (code === COLON || code === COMMA || code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (code === COLON && stringLength > MAX_NAME_LENGTH) return TOO_LONG_NAME;
      values += 1;
      if (values > MAX_VALUES) return TOO_MANY_VALUES;
    }
  }
  return null;
}

/** Does the same for an XML text, in which elements, attributes, comments and CDATA sections count. */
export function xmlSizeProblem(text: string): string | null {
  if (text.length <= MAX_VALUES) return null;
  let values = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const closing = text.startsWith('<!--', at) ? '-->' : text.startsWith('<![CDATA[', at) ? ']]>' : null;
    if (closing !== null) {
      values += 1;
      const end = text.indexOf(closing, at);
      if (end === -1) return null;
      at = end;
    } else {
      if (text.charCodeAt(at + 1) !== SLASH) values += 1;
      for (at += 1; at < text.length; at += 1) {
        const code = text.charCodeAt(at);
        if (code === GREATER) break;
        if (code === EQUALS) values += 1;
        else if (code === QUOTE || code === APOSTROPHE) {
          const end = text.indexOf(code === QUOTE ? '"' : "'", at + 1);
          if (end === -1) return null;
          at = end;
        }
        if (values > MAX_VALUES) return TOO_MANY_VALUES;
      }
    }
    if (values > MAX_VALUES) return TOO_MANY_VALUES;
  }
  return null;
}

/** The index of the quote that ends a string; the length of the text if there is no such quote. */
function endOfString(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
