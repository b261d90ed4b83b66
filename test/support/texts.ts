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

/** Texts that XML 1.0 can carry, made of what wires are known to change. */
export const texts: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...TRAPS), fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => text.isWellFormed() && characterNotInXml(text) === null);
