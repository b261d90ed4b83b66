import * as fc from 'fast-check';
import { characterNotInXml } from '../../src/contract/text-formats.ts';

const TRAPS = [
  '00123',
  '0E68',
  'true',
  'null',
  ' x ',
  '',
  ' ',
  '\r\n',
  '\r',
  '\t',
  '&#65;',
  '&amp;',
  ']]>',
  '<![CDATA[x]]>',
  '<!-- -->',
  '<!DOCTYPE a>',
  '<a b="c">',
  '</Parameters>',
  '"',
  "'",
  '\\u0041',
  '😀',
  '\u0085',
  '\u2028',
  '\uFEFF',
  '1.0',
  '12345678901234567890.10',
  '__proto__',
];

const FIRST_SURROGATE = 0xd800;
const SURROGATE_COUNT = 0x800;

/**
 * Generates the same characters as `unit: 'binary'`, which builds a map of all of them and so takes a second in each process
 * that uses it.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.integer({ min: 0, max: 0x10ffff - SURROGATE_COUNT }).map(
  (index) => String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATE_COUNT),
  (character) => {
    const codePoint = codePointOf(character);
    return codePoint < FIRST_SURROGATE ? codePoint : codePoint - SURROGATE_COUNT;
  },
);

/** Generates texts that XML 1.0 can carry, rich in sequences that careless encoders or parsers change. */
export const texts: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...TRAPS), fc.string({ unit: anyCharacter })), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => text.isWellFormed() && characterNotInXml(text) === null);

/** Returns the code point of a text of one character other than a surrogate. */
function codePointOf(character: unknown): number {
  if (typeof character === 'string' && character.isWellFormed()) {
    const [first = '', ...others] = character;
    if (first !== '' && others.length === 0) return first.codePointAt(0) ?? 0;
  }
  throw new Error('It is not one character.');
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function utf16(text: string, order: 'little' | 'big', bom: boolean): Uint8Array {
  const bytes = Buffer.from(bom ? `\uFEFF${text}` : text, 'utf16le');
  return order === 'little' ? bytes : bytes.swap16();
}
