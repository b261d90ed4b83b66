import { describe, expect, test } from 'vitest';
import { decodeText } from '../../src/wire/text-encoding.ts';
import { bytesOf, utf16 } from '../support/wire-texts.ts';

const TEXT = '{"a":"é😀"}';
const UTF8_BOM = '\uFEFF';
const latin1 = Uint8Array.of(0x22, 0xe9, 0x22);

describe('decodeText of bytes that reveal their encoding', () => {
  test.each([
    ['UTF-8', bytesOf(TEXT)],
    ['UTF-8 with BOM', bytesOf(UTF8_BOM + TEXT)],
    ['UTF-16LE', utf16(TEXT, 'little', false)],
    ['UTF-16LE with BOM', utf16(TEXT, 'little', true)],
    ['UTF-16BE', utf16(TEXT, 'big', false)],
    ['UTF-16BE with BOM', utf16(TEXT, 'big', true)],
  ])('decodes %s, whatever the Content-Type says', (_, bytes) => {
    const labels = [
      null,
      '',
      'nonsense',
      'text/json',
      'Application/JSON; Charset="UTF-8"',
      'text/html; charset=utf-8',
      'application/json; charset=utf-16',
      'application/json;charset=bogus',
    ];
    expect(labels.map((label) => decodeText(bytes, label))).toEqual(labels.map(() => TEXT));
  });

  test('prefers a BOM to another known charset in the Content-Type', () => {
    expect(decodeText(bytesOf(UTF8_BOM + TEXT), 'application/json; charset=iso-8859-1')).toBe(TEXT);
    expect(decodeText(utf16(TEXT, 'big', true), 'application/json; charset=iso-8859-1')).toBe(TEXT);
  });
});

describe('decodeText of bytes that do not reveal their encoding', () => {
  test.each(['application/json; charset=iso-8859-1', 'text/json; CHARSET="ISO-8859-1"; q=1'])(
    'uses the charset of the Content-Type %s',
    (label) => {
      expect(decodeText(latin1, label)).toBe('"é"');
    },
  );

  test('uses the encoding of the XML declaration if the Content-Type has no charset', () => {
    const document = '<?xml version="1.0" encoding="windows-1252"?><a>\u00E9</a>';
    const bytes = Buffer.from(document, 'latin1');
    expect(decodeText(bytes, 'text/xml')).toBe(document);
    expect(decodeText(bytes, null)).toBe(document);
  });

  test('prefers the charset of the Content-Type to the XML declaration', () => {
    const document = '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>';
    expect(decodeText(bytesOf(document), 'text/xml; charset=utf-8')).toBe(document);
  });

  test('ignores an XML declaration of UTF-16 in a UTF-8 document', () => {
    const document = '<?xml version="1.0" encoding="utf-16"?><a>é</a>';
    expect(decodeText(bytesOf(document), 'application/xml')).toBe(document);
  });
});

describe('decodeText of invalid bytes', () => {
  test.each([
    ['an incomplete character in UTF-8', latin1, null, 'UTF-8'],
    ['a truncated UTF-8 character', bytesOf('"é"').subarray(0, 2), 'application/json; charset=utf-8', 'UTF-8'],
    ['a byte that is not ASCII', latin1, 'application/json; charset=us-ascii', 'UTF-8'],
    ['half a UTF-16 unit', utf16(TEXT, 'little', true).subarray(0, 7), null, 'UTF-16LE'],
    ['an unpaired surrogate', utf16('"\uD83D"', 'big', true), null, 'UTF-16BE'],
  ])('reports a problem for %s', (_, bytes, label, encoding) => {
    expect(decodeText(bytes, label)).toEqual({ at: 'the body', problem: `is not valid ${encoding}` });
  });

  test('decodes the next body correctly after invalid bytes', () => {
    expect(decodeText(Uint8Array.of(0x22, 0xc3), null)).toHaveProperty('problem');
    expect(decodeText(bytesOf(TEXT), null)).toBe(TEXT);
  });
});

test('decodeText decodes an empty body to an empty text', () => {
  expect(decodeText(new Uint8Array(), null)).toBe('');
  expect(decodeText(bytesOf(UTF8_BOM), null)).toBe('');
});
