import { describe, expect, test } from 'vitest';
import { decodeText } from '../../src/wire/text-encoding.ts';
import { bytesOf, utf16 } from '../support/wire-texts.ts';

const TEXT = '{"a":"é😀"}';
const UTF8_BOM = '\uFEFF';
const latin1 = Uint8Array.of(0x22, 0xe9, 0x22);

describe('the bytes decide before the label', () => {
  test.each([
    ['UTF-8', bytesOf(TEXT)],
    ['UTF-8 with BOM', bytesOf(UTF8_BOM + TEXT)],
    ['UTF-16LE', utf16(TEXT, 'little', false)],
    ['UTF-16LE with BOM', utf16(TEXT, 'little', true)],
    ['UTF-16BE', utf16(TEXT, 'big', false)],
    ['UTF-16BE with BOM', utf16(TEXT, 'big', true)],
  ])('%s is read whatever the label says', (_, bytes) => {
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

  test('a BOM wins over a label that names another known charset', () => {
    expect(decodeText(bytesOf(UTF8_BOM + TEXT), 'application/json; charset=iso-8859-1')).toBe(TEXT);
    expect(decodeText(utf16(TEXT, 'big', true), 'application/json; charset=iso-8859-1')).toBe(TEXT);
  });
});

describe('where the bytes leave it open', () => {
  test.each(['application/json; charset=iso-8859-1', 'text/json; CHARSET="ISO-8859-1"; q=1'])('%s counts', (label) => {
    expect(decodeText(latin1, label)).toBe('"é"');
  });

  test('an XML declaration counts when the label says nothing', () => {
    const document = '<?xml version="1.0" encoding="windows-1252"?><a>\u00E9</a>';
    const bytes = Buffer.from(document, 'latin1');
    expect(decodeText(bytes, 'text/xml')).toBe(document);
    expect(decodeText(bytes, null)).toBe(document);
  });

  test('the label wins over an XML declaration', () => {
    const document = '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>';
    expect(decodeText(bytesOf(document), 'text/xml; charset=utf-8')).toBe(document);
  });

  test('a declaration of UTF-16 in a document of another encoding is overlooked', () => {
    const document = '<?xml version="1.0" encoding="utf-16"?><a>é</a>';
    expect(decodeText(bytesOf(document), 'application/xml')).toBe(document);
  });
});

describe('invalid bytes are a misread', () => {
  test.each([
    ['a lone byte in UTF-8', latin1, null, 'UTF-8'],
    ['a cut UTF-8 character', bytesOf('"é"').subarray(0, 2), 'application/json; charset=utf-8', 'UTF-8'],
    ['a byte that ASCII lacks', latin1, 'application/json; charset=us-ascii', 'UTF-8'],
    ['half a UTF-16 unit', utf16(TEXT, 'little', true).subarray(0, 7), null, 'UTF-16LE'],
    ['an unpaired surrogate', utf16('"\uD83D"', 'big', true), null, 'UTF-16BE'],
  ])('%s', (_, bytes, label, encoding) => {
    expect(decodeText(bytes, label)).toEqual({ at: 'the body', problem: `is not valid ${encoding}` });
  });

  test('one misread does not spoil the next body', () => {
    expect(decodeText(Uint8Array.of(0x22, 0xc3), null)).toHaveProperty('problem');
    expect(decodeText(bytesOf(TEXT), null)).toBe(TEXT);
  });
});

test('an empty body is empty text', () => {
  expect(decodeText(new Uint8Array(), null)).toBe('');
  expect(decodeText(bytesOf(UTF8_BOM), null)).toBe('');
});
