import * as fc from 'fast-check';
import { characterNotInXml } from '../../src/contract/parameters.ts';

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

/** Generates texts that XML 1.0 can carry, rich in sequences that careless encoders or parsers change. */
export const texts: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...TRAPS), fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => text.isWellFormed() && characterNotInXml(text) === null);

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function utf16(text: string, order: 'little' | 'big', bom: boolean): Uint8Array {
  const bytes = Buffer.from(bom ? `\uFEFF${text}` : text, 'utf16le');
  return order === 'little' ? bytes : bytes.swap16();
}
