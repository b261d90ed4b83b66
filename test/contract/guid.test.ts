import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_GUID, parseGuid } from '../../src/contract/text-formats.ts';

const CANONICAL = '86cb791c-8078-41ae-a045-5dded04c9589';
const PLAIN = '86cb791c807841aea0455dded04c9589';

const FORMS: Readonly<Record<string, (guid: string) => string>> = {
  N: (guid) => guid.replaceAll('-', ''),
  D: (guid) => guid,
  B: (guid) => `{${guid}}`,
  P: (guid) => `(${guid})`,
};

test.each(Object.entries(FORMS))(
  'parseGuid reads format %s in any case and returns it hyphenated and lower-case',
  (_, write) => {
    fc.assert(
      fc.property(fc.uuid(), fc.infiniteStream(fc.boolean()), (guid, upper) => {
        const written = write(guid).replaceAll(/[a-f]/g, (digit) => (upper.next().value ? digit.toUpperCase() : digit));
        expect(parseGuid(written)).toBe(guid);
      }),
    );
  },
);

test('parseGuid accepts the all-zero GUID', () => {
  expect(parseGuid('0'.repeat(32))).toBe(EMPTY_GUID);
});

test.each([
  ['an empty text', ''],
  ['a word', 'task'],
  ['a GUID with a digit missing', PLAIN.slice(1)],
  ['a GUID with a digit too many', `${PLAIN}0`],
  ['a digit that is not hexadecimal', `g${PLAIN.slice(1)}`],
  ['a full-width digit', `８${PLAIN.slice(1)}`],
  ['hyphens in the wrong places', '86cb791c8-078-41ae-a045-5dded04c9589'],
  ['a GUID with hyphens missing', '86cb791c-807841aea0455dded04c9589'],
  ['plain digits in braces', `{${PLAIN}}`],
  ['plain digits in parentheses', `(${PLAIN})`],
  ['a brace closed by a parenthesis', `{${CANONICAL})`],
  ['a parenthesis closed by a brace', `(${CANONICAL}}`],
  ['a brace that is not closed', `{${CANONICAL}`],
  ['a brace that is not opened', `${CANONICAL}}`],
  ['double braces', `{{${CANONICAL}}}`],
  ["format X, .NET's fifth", '{0x86cb791c,0x8078,0x41ae,{0xa0,0x45,0x5d,0xde,0xd0,0x4c,0x95,0x89}}'],
  ['a leading blank', ` ${CANONICAL}`],
  ['a trailing line feed', `${CANONICAL}\n`],
  ['two GUIDs in a row', `${CANONICAL}${CANONICAL}`],
])('parseGuid rejects %s', (_, text) => {
  expect(parseGuid(text)).toBeNull();
});
