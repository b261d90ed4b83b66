import { describe, expect, test } from 'vitest';
import { mediaTypeName, parseAccepted, parseMediaType, preferred } from '../../src/wire/media-type.ts';

describe('a media type', () => {
  test.each([
    ['application/json', { name: 'application/json', charset: null, quality: 1 }],
    ['\tText/XML ;\tCharset = "UTF-16" ; q=0.5', { name: 'Text/XML', charset: 'utf-16', quality: 0.5 }],
    ['text/xml;q=.5;charset=UTF-8', { name: 'text/xml', charset: 'utf-8', quality: 0.5 }],
    ['text/xml;profile="a; charset=utf-16, \\"b";q=0', { name: 'text/xml', charset: null, quality: 0 }],
    ['text/xml;', { name: 'text/xml', charset: null, quality: 1 }],
    ['text/xml;q=2', { name: 'text/xml', charset: null, quality: 0 }],
    ['text/xml;q=much', { name: 'text/xml', charset: null, quality: 0 }],
    ['text', null],
    ['text/', null],
    ['text/plain text/xml', null],
    ['application/json, text/xml', null],
    ['', null],
    [null, null],
  ])('parseMediaType reads %s with its parameters in any order, case and spacing', (text, expected) => {
    expect(parseMediaType(text)).toEqual(expected);
  });

  test.each([
    ['APPLICATION/Json ; charset=utf-8', 'application/json'],
    ['application/json, application/json', 'application/json'],
    ['text/plain;a=", application/json', 'text/plain'],
    ['garbage', ''],
    [undefined, ''],
  ])('mediaTypeName reads the Content-Type %s as "%s"', (contentType, name) => {
    expect(mediaTypeName(contentType)).toBe(name);
  });
});

const first = (accept: string, ties?: 'header') => preferred(parseAccepted(accept), ['a/x', 'a/y'], ties);

describe('preferred', () => {
  test.each([
    ['*/*', 'a/x'],
    ['*', 'a/x'],
    ['A/Y', 'a/y'],
    ['a/x;q=0.4, a/y;q=0.5', 'a/y'],
    ['a/*;q=0.9, a/y', 'a/y'],
    ['*/*, a/y', 'a/y'],
    ['a/x;q=0, */*', 'a/y'],
    ['*/*, a/x;q=0', 'a/y'],
    ['a/*;q=0, */*', null],
    ['a/x;q=0', null],
    ['b/z', null],
    ['b/z;p="a, a/x"', null],
    ['', null],
    [', ,a/y,', 'a/y'],
    ['no media type, a/y', 'a/y'],
  ])('selects, of a/x and a/y for Accept: %s, the offer %s', (accept, offer) => {
    expect(first(accept)).toBe(offer);
  });

  test('selects the first of equal offers, or with `header` the one that the header names first', () => {
    expect(first('a/y, a/x')).toBe('a/x');
    expect(first('a/y, a/x', 'header')).toBe('a/y');
  });

  test('takes linear time for any header', () => {
    const quotes = `"${'\\"'.repeat(500_000)}\\`;
    const parameters = `a/x${';a="'.repeat(500_000)}`;
    expect(first(quotes)).toBeNull();
    expect(first(parameters)).toBe('a/x');
  });
});
