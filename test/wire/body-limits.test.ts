import { assert, json, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswerBody } from '../../src/wire/codec.ts';
import { MAX_VALUES } from '../../src/wire/json.ts';
import { anyCharacter } from '../support/wire-texts.ts';

const TOO_MANY = 'contains more than 10000 values';
const LARGE = 1_000_000;
const fill = (text: string): string => text.repeat(Math.ceil(LARGE / text.length));
const numbered = (toText: (index: number) => string): string =>
  Array.from({ length: 100_000 }, (_, i) => toText(i)).join('');

const problemOf = (text: string) => {
  const body = readAnswerBody(Buffer.from(text), null);
  return body.kind === 'unreadable' ? body.problem : null;
};
const named = (length: number): string => `{"${'n'.repeat(length)}":"${'x'.repeat(MAX_VALUES)}"}`;

describe('bodies over the limits', () => {
  test.each([
    ['numbers', `{"a":[${fill('1,')}1]}`],
    ['names', `{${numbered((i) => `"n${i}":1,`)}"z":1}`],
    ['empty objects', `[${fill('{},')}{}]`],
    ['unclosed brackets', fill('[')],
    ['numbers after a text with quotes', `{"a":"\\\\\\"","b":[${fill('1,')}1]}`],
    ['elements', `<a>${fill('<b/>')}</a>`],
    ['elements with content', `<a>${fill('<b>1</b>')}</a>`],
    ['attributes', `<a ${numbered((i) => `n${i}="" `)}/>`],
    ['attributes in single quotes', `<a ${numbered((i) => `n${i}='' `)}/>`],
    ['attributes after a value with a bracket', `<a b=">" ${numbered((i) => `n${i}="" `)}/>`],
    ['comments', `<a>${fill('<!---->')}</a>`],
    ['CDATA sections', `<a>${fill('<![CDATA[]]>')}</a>`],
    ['unclosed tags', fill('<a>')],
  ])('a body with too many values is refused: %s', (_, text) => {
    expect(problemOf(text)).toBe(TOO_MANY);
  });

  test('a body with a name of more than 1,000 characters is refused', () => {
    expect(problemOf(named(999))).toBeNull();
    expect(problemOf(named(1_001))).toBe('contains a name of more than 1000 characters');
  });
});

describe('bodies within the limits', () => {
  test.each([
    ['commas and brackets', '[{,:'],
    ['escaped quotes', '\\"'],
    ['backslashes', '\\\\'],
  ])('counts a JSON string as one value, even with %s', (_, text) => {
    expect(problemOf(`{"Parameters":"${fill(text)}"}`)).toBeNull();
  });

  test.each([
    ['equals signs and quotes', fill(`="'`)],
    ['references', fill('&lt;a b=&quot;c&quot;&gt;')],
    ['a CDATA section with markup', `<![CDATA[${fill('<a b="c">')}]]>`],
    ['a comment with markup', `<!--${fill('<a b="c"/>')}-->`],
  ])('counts the text of an XML element as one value, even with %s', (_, text) => {
    expect(problemOf(`<Parameters>${text}</Parameters>`)).toBeNull();
  });

  test.each([
    ['JSON', `{"a":[${'1,'.repeat(MAX_VALUES - 3)}1]}`],
    ['XML', `<a>${'<b/>'.repeat(MAX_VALUES - 1)}</a>`],
    ['XML with comments', `<a><!-- -->${'<b/>'.repeat(MAX_VALUES - 2)}</a>`],
  ])('accepts exactly the maximum number of values in %s', (_, text) => {
    expect(problemOf(text)).toBeNull();
    expect(problemOf(text.replace(/1\]|<b\/>/, '1,1,1]<b/><b/><b/>'))).toBe(TOO_MANY);
  });
});

// An answer with such a name is refused for another reason.
const readableJson = json({ maxDepth: 3 }).filter((text) => !text.includes('"__proto__"'));

test('JSON with few values is accepted and read as it is, however long its strings are', () => {
  assert(
    property(readableJson, string({ unit: anyCharacter, maxLength: 50 }), (jsonText, text) => {
      const body = JSON.stringify([JSON.parse(jsonText), text.repeat(300).padEnd(MAX_VALUES + 1, '"\\')]);
      expect(readAnswerBody(Buffer.from(body), null)).toEqual({ kind: 'tree', tree: JSON.parse(body) });
    }),
    { numRuns: 200 },
  );
});
