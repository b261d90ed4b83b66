import { assert, json, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswerBody } from '../../src/wire/codec.ts';
import { jsonSizeProblem, MAX_NAME_LENGTH, MAX_VALUES, xmlSizeProblem } from '../../src/wire/value-count.ts';

const TOO_MANY = 'holds more than 10000 values';
const LARGE = 1_000_000;
const fill = (text: string): string => text.repeat(Math.ceil(LARGE / text.length));
const numbered = (toText: (index: number) => string): string =>
  Array.from({ length: 100_000 }, (_, i) => toText(i)).join('');

const named = (length: number): string => `{"${'n'.repeat(length)}":"${'x'.repeat(MAX_VALUES)}"}`;

describe('a body with more values than can be read in time is refused before it is parsed', () => {
  test.each([
    ['numbers', `{"a":[${fill('1,')}1]}`],
    ['names', `{${numbered((i) => `"n${i}":1,`)}"z":1}`],
    ['empty objects', `[${fill('{},')}{}]`],
    ['brackets without end', fill('[')],
    ['numbers after text that holds quotes', `{"a":"\\\\\\"","b":[${fill('1,')}1]}`],
    ['elements', `<a>${fill('<b/>')}</a>`],
    ['elements with content', `<a>${fill('<b>1</b>')}</a>`],
    ['attributes', `<a ${numbered((i) => `n${i}="" `)}/>`],
    ['attributes in single quotes', `<a ${numbered((i) => `n${i}='' `)}/>`],
    ['attributes behind a value that holds a bracket', `<a b=">" ${numbered((i) => `n${i}="" `)}/>`],
    ['comments', `<a>${fill('<!---->')}</a>`],
    ['CDATA sections', `<a>${fill('<![CDATA[]]>')}</a>`],
    ['tags without end', fill('<a>')],
  ])('%s', (_, text) => {
    expect(readAnswerBody(Buffer.from(text), null)).toEqual({
      kind: 'unreadable',
      at: 'the answer',
      problem: TOO_MANY,
    });
  });

  test('a name longer than any of the contract', () => {
    expect(jsonSizeProblem(named(MAX_NAME_LENGTH - 1))).toBeNull();
    expect(jsonSizeProblem(named(MAX_NAME_LENGTH + 1))).toBe('holds a name of more than 1000 characters');
  });
});

describe('a text counts as one value, whatever it holds', () => {
  test.each([
    ['commas and brackets', '[{,:'],
    ['escaped quotes', '\\"'],
    ['backslashes', '\\\\'],
  ])('in JSON: %s', (_, text) => {
    expect(jsonSizeProblem(`{"Parameters":"${fill(text)}"}`)).toBeNull();
  });

  test.each([
    ['equals signs and quotes', fill(`="'`)],
    ['references', fill('&lt;a b=&quot;c&quot;&gt;')],
    ['a CDATA section with markup', `<![CDATA[${fill('<a b="c">')}]]>`],
    ['a comment with markup', `<!--${fill('<a b="c"/>')}-->`],
  ])('in XML: %s', (_, text) => {
    expect(xmlSizeProblem(`<Parameters>${text}</Parameters>`)).toBeNull();
  });

  test.each([
    ['JSON', `{"a":[${'1,'.repeat(MAX_VALUES - 3)}1]}`, jsonSizeProblem],
    ['XML', `<a>${'<b/>'.repeat(MAX_VALUES - 1)}</a>`, xmlSizeProblem],
  ])('the bound itself is not refused in %s', (_, text, problemOf) => {
    expect(problemOf(text)).toBeNull();
    expect(problemOf(text.replace(/1\]|<b\/>/, '1,1,1]<b/><b/><b/>'))).toBe(TOO_MANY);
  });
});

test('JSON of few values is never refused, however large its texts are', () => {
  assert(
    property(json({ maxDepth: 3 }), string({ unit: 'binary', maxLength: 50 }), (jsonText, text) => {
      const body = JSON.stringify([JSON.parse(jsonText), text.repeat(300).padEnd(MAX_VALUES + 1, '"\\')]);
      expect(jsonSizeProblem(body)).toBeNull();
    }),
    { numRuns: 200 },
  );
});
