import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_GUID, parseGuid } from '../../src/contract/guid.ts';

const CANONICAL = '86cb791c-8078-41ae-a045-5dded04c9589';
const PLAIN = '86cb791c807841aea0455dded04c9589';

const FORMS: Readonly<Record<string, (guid: string) => string>> = {
  N: (guid) => guid.replaceAll('-', ''),
  D: (guid) => guid,
  B: (guid) => `{${guid}}`,
  P: (guid) => `(${guid})`,
};

test.each(Object.entries(FORMS))('form %s in any case becomes hyphenated and lower-case', (_, write) => {
  fc.assert(
    fc.property(fc.uuid(), fc.infiniteStream(fc.boolean()), (guid, upper) => {
      const written = write(guid).replaceAll(/[a-f]/g, (digit) => (upper.next().value ? digit.toUpperCase() : digit));
      expect(parseGuid(written)).toBe(guid);
    }),
  );
});

test('the all-zero GUID is a GUID', () => {
  expect(parseGuid('0'.repeat(32))).toBe(EMPTY_GUID);
});

test.each([
  ['empty', ''],
  ['a word', 'task'],
  ['one digit short', PLAIN.slice(1)],
  ['one digit long', `${PLAIN}0`],
  ['a digit that is not hexadecimal', `g${PLAIN.slice(1)}`],
  ['a full-width digit', `８${PLAIN.slice(1)}`],
  ['hyphens elsewhere', '86cb791c8-078-41ae-a045-5dded04c9589'],
  ['some hyphens missing', '86cb791c-807841aea0455dded04c9589'],
  ['plain digits in braces', `{${PLAIN}}`],
  ['plain digits in parentheses', `(${PLAIN})`],
  ['brace closed by a parenthesis', `{${CANONICAL})`],
  ['parenthesis closed by a brace', `(${CANONICAL}}`],
  ['brace left open', `{${CANONICAL}`],
  ['brace never opened', `${CANONICAL}}`],
  ['braces twice', `{{${CANONICAL}}}`],
  ["form X, .NET's fifth", '{0x86cb791c,0x8078,0x41ae,{0xa0,0x45,0x5d,0xde,0xd0,0x4c,0x95,0x89}}'],
  ['a blank before', ` ${CANONICAL}`],
  ['a line end after', `${CANONICAL}\n`],
  ['two of them', `${CANONICAL}${CANONICAL}`],
])('%s is no GUID', (_, text) => {
  expect(parseGuid(text)).toBeNull();
});
