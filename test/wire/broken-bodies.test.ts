import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeAnswer, encodeRequest, readAnswerBody, readRequest } from '../../src/wire/codec.ts';
import { answerWith, TABLES, TASK } from '../support/contract-samples.ts';
import { bytesOf, utf16 } from '../support/wire-texts.ts';

const FORMATS = ['json', 'xml'] as const;
const REQUEST_FORMATS = ['json', 'xml', 'form'] as const;
const LABELS = [
  null,
  'application/json; charset=utf-8',
  'application/xml; charset=iso-8859-1',
  'text/json; charset=utf-16',
];
const ENCODINGS: readonly (readonly [string, (text: string) => Uint8Array])[] = [
  ['UTF-8', bytesOf],
  ['UTF-16LE', (text) => utf16(text, 'little', false)],
  ['UTF-16BE with BOM', (text) => utf16(text, 'big', true)],
];
const CASES = FORMATS.flatMap((format) => ENCODINGS.map(([name, encode]) => [format, name, encode] as const));

describe.each(CASES)('truncated %s in %s', (format, _, encode) => {
  test('readAnswerBody never reads an answer from it, wherever it is cut', () => {
    const bytes = encode(encodeAnswer(format, answerWith({ Name: 'é😀', Zone: 7.1 })));
    expect(readAnswerBody(bytes, null).kind).toBe('tree');
    const read = Array.from({ length: bytes.length }, (__, length) => readAnswerBody(bytes.subarray(0, length), null));
    expect(read.filter(({ kind }) => kind === 'tree')).toEqual([]);
  });

  test('readRequest never reads a task from it, wherever it is cut', () => {
    const bytes = encode(encodeRequest(format, { ...TASK, Parameters: 'é😀' }, TABLES));
    expect(readRequest(format, bytes, TABLES).kind).toBe('body');
    const read = Array.from({ length: bytes.length }, (__, length) =>
      readRequest(format, bytes.subarray(0, length), TABLES),
    );
    expect(read.filter(({ kind }) => kind === 'body')).toEqual([]);
  });
});

const PIECES =
  `< > </ /> <a <a> </a> <b\u0020x=" " ' = & &# &#x41; ; <!-- --> <![CDATA[ ]]> <? ?> <?xml\u0020version="1.0"?> <!DOCTYPE
  [ ] { } "a": , : 1.0 null <__proto__> xsi:nil="true" xmlns="" <ResponseData> <Detail> \0 \uFFFF`.split(/[ \n]+/);

/** The results of the answer reader and the request reader for a body, in a word each. */
function readBoth(bytes: Uint8Array, label: string | null): string {
  const isTask = REQUEST_FORMATS.some((format) => readRequest(format, bytes, TABLES).kind === 'body');
  return `${readAnswerBody(bytes, label).kind}, ${isTask ? 'read' : 'refused'}`;
}

describe('broken bodies', () => {
  const OUTCOME = /^(?:tree|empty|unreadable), refused$/;

  test('a body of random bytes makes no reader throw and is not read as a task', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...LABELS), (bytes, label) => {
        expect(readBoth(bytes, label)).toMatch(OUTCOME);
      }),
      { numRuns: 1000 },
    );
  });

  test('a body of random markup makes no reader throw and is not read as a task', () => {
    const markup = fc.array(fc.constantFrom(...PIECES, ' ', '\r'), { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(markup, (text) => {
        expect(readBoth(bytesOf(text), null)).toMatch(OUTCOME);
      }),
      { numRuns: 2000 },
    );
  });

  test('an answer with one byte changed makes no reader throw and is not read as a task', () => {
    const bodies = FORMATS.map((format) => bytesOf(encodeAnswer(format, answerWith({}))));
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.nat(), byte, fc.constantFrom(...LABELS), (body, at, value, label) => {
        expect(readBoth(body.with(at % body.length, value), label)).toMatch(OUTCOME);
      }),
      { numRuns: 1000 },
    );
  });
});
