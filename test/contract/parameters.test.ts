import { describe, expect, test } from 'vitest';
import { characterNotInXml, parametersProblem } from '../../src/contract/text-formats.ts';

const xmlProblem = (text: string) => (text.startsWith('<') ? null : 'no element in line 1');

describe('Parameters as JSON', () => {
  test.each(['{}', '[]', 'null', '0', '"a"', ' {"a": 1}\r\n', '{"a":1,"a":2}', '1e999', '"\\ud800"', '"😀"'])(
    'the JSON text %j is accepted',
    (text) => {
      expect(parametersProblem(text, 'application/json', xmlProblem)).toBeNull();
    },
  );
  test.each(['', ' ', '{', "{'a':1}", '{"a":1,}', '{}{}', '01', 'NaN', 'undefined', '<a/>', '\uFEFF{}', '"\n"'])(
    'the text %j is rejected as invalid JSON',
    (text) => {
      const problem = parametersProblem(text, 'application/json', xmlProblem);
      expect(problem).toMatch(
        /^is not JSON although contentType is application\/json(: syntax error at character \d+)?$/,
      );
    },
  );
  test('the place of a syntax error is named', () => {
    expect(parametersProblem('{"a":1,}', 'application/json', xmlProblem)).toMatch(/: syntax error at character 8$/);
  });
  test('deeply nested JSON is accepted without a stack overflow', () => {
    const text = '['.repeat(500_000) + ']'.repeat(500_000);
    expect(parametersProblem(text, 'application/json', xmlProblem)).toBeNull();
  });
});

describe('Parameters as XML', () => {
  test('XML that the XML checker accepts is accepted without being parsed as JSON', () => {
    expect(parametersProblem('<a>', 'application/xml', xmlProblem)).toBeNull();
  });
  test('the problem that the XML checker finds is passed on', () => {
    expect(parametersProblem('{}', 'application/xml', xmlProblem)).toBe(
      'is not well-formed XML although contentType is application/xml: no element in line 1',
    );
  });
});

test.each(['application/json', 'application/xml'] as const)(
  'Parameters with an unpaired surrogate are rejected as %s',
  (contentType) => {
    for (const text of ['"\uD800"', '<a>\uDC00</a>', '<a>\uDC00\uD800</a>']) {
      expect(parametersProblem(text, contentType, xmlProblem)).toMatch(/unpaired surrogate/);
    }
  },
);

describe('characterNotInXml', () => {
  test.each(['', 'plain', '\t\r\n', ' \u007F\u0085', '\uD7FF\uE000\uFFFD', '\u{10000}😀\u{10FFFF}', ']]>&<'])(
    'characterNotInXml finds nothing in %j',
    (text) => {
      expect(characterNotInXml(text)).toBeNull();
    },
  );
  test.each([
    ['\0', 'U+0000'],
    ['a\u0008', 'U+0008'],
    ['\u000B', 'U+000B'],
    ['\u000C', 'U+000C'],
    ['\u001B', 'U+001B'],
    ['\u001F', 'U+001F'],
    ['\uFFFE', 'U+FFFE'],
    ['😀\uFFFF', 'U+FFFF'],
    ['\uD83D', 'U+D83D'],
    ['ok\u0001\u0002', 'U+0001'],
  ])('characterNotInXml finds in %j the character %s', (text, character) => {
    expect(characterNotInXml(text)).toBe(character);
  });
});
