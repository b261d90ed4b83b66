import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonSize, type JsonValue, parseJsonKeepingDigits } from '../../src/contract/json-value.ts';
import { anyCharacter } from '../support/wire-texts.ts';

function written(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

test.each([
  ['plain text', 'x'],
  ['umlauts', 'ü'],
  ['ideographs', '漢'],
  ['emoji', '🦊'],
  ['quotes and backslashes', '"\\'],
  ['line breaks and tabs', '\r\n\t\b\f'],
  ['control characters', '\u0000\u001f'],
  ['delete and separators', '\u007f\u2028'],
])('jsonSize of a long text of %s is exact', (_what, text) => {
  const long = text.repeat(1_000);
  expect(jsonSize(long)).toBe(written(long));
});

test('jsonSize is never too low', () => {
  const texts = fc.oneof(fc.string({ unit: anyCharacter, maxLength: 200 }), fc.string({ maxLength: 200 }));
  const surrogates = fc
    .array(fc.constantFrom('\ud83e', '\udd8a', '"', 'a'), { maxLength: 200 })
    .map((units) => units.join(''));
  const keys = fc.oneof(texts, surrogates);
  fc.assert(
    fc.property(fc.oneof(keys, fc.jsonValue(), fc.dictionary(keys, keys)), (value) => {
      expect(jsonSize(value)).toBeGreaterThanOrEqual(written(value));
    }),
  );
});

test('jsonSize counts all digits of a number', () => {
  const value: JsonValue = parseJsonKeepingDigits(`[${'1234567890'.repeat(20)}.10]`);
  expect(jsonSize(value)).toBeGreaterThanOrEqual(written(value));
});
