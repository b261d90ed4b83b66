import { describe, expect, test } from 'vitest';
import { negotiate } from '../../src/rest/rest-answer.ts';

type Headers = Readonly<Record<string, string>>;

const styleOf = (headers: Headers) => negotiate((name) => headers[name] ?? null);
const mediaTypeOf = (headers: Headers) => styleOf(headers).mediaType;
const charsetOf = (headers: Headers) => styleOf(headers).charset;

describe('the media type of an answer', () => {
  test.each([
    ['application/json;q=0.4, text/xml;q=0.5', 'text/xml'],
    ['text/xml;q=0.5, application/json;q=0.5', 'application/json'],
    ['*/*, text/xml', 'text/xml'],
    ['text/*, application/xml', 'application/xml'],
    ['*/*;q=0.9, text/xml;q=0.8', 'application/json'],
    ['application/*;q=0.2, application/xml;q=0.3', 'application/xml'],
    ['TEXT/XML', 'text/xml'],
    ['application/xml; q=0.5; charset=utf-16', 'application/xml'],
    ['application/xml;q=nonsense, text/json;q=0.1', 'text/json'],
    ['application/xml;q=7, text/json;q=0.1', 'text/json'],
    [', ,text/xml,', 'text/xml'],
    ['no media type, text/xml', 'text/xml'],
    ['application/json;q=0, */*', 'application/xml'],
    ['application/json;q=0.1, text/*;q=0, */*', 'application/xml'],
    ['text/xml;p="a, application/json"', 'text/xml'],
  ])('for Accept: %s is %s', (accept, mediaType) => {
    expect(mediaTypeOf({ accept })).toBe(mediaType);
  });

  test.each([
    ['text/html', 'text/xml'],
    ['application/json;q=0', 'text/xml'],
    ['*/*;q=0', 'text/xml'],
    ['', 'text/xml'],
  ])('falls back to that of the request if nothing in "%s" fits', (accept, mediaType) => {
    expect(mediaTypeOf({ accept, 'content-type': 'text/xml; charset=utf-8' })).toBe(mediaType);
  });

  test('is JSON if that of the request cannot be written or is unknown', () => {
    expect(mediaTypeOf({ 'content-type': 'application/x-www-form-urlencoded' })).toBe('application/json');
    expect(mediaTypeOf({ 'content-type': 'garbage' })).toBe('application/json');
    expect(mediaTypeOf({})).toBe('application/json');
  });

  test('is JSON for a script that accepts anything, and otherwise what the script accepts', () => {
    const script = { 'x-requested-with': 'XMLHttpRequest', 'content-type': 'application/xml' };
    expect(mediaTypeOf(script)).toBe('application/json');
    expect(mediaTypeOf({ ...script, accept: '*/*' })).toBe('application/json');
    expect(mediaTypeOf({ ...script, accept: 'application/xml' })).toBe('application/xml');
    expect(mediaTypeOf({ ...script, 'x-requested-with': 'other' })).toBe('application/xml');
  });
});

describe('the charset of an answer', () => {
  test.each([
    ['utf-16', 'utf-16'],
    ['UTF-16', 'utf-16'],
    ['iso-8859-1, utf-16;q=0.1', 'utf-16'],
    ['utf-16;q=0.1, utf-8;q=0.2', 'utf-8'],
    ['utf-16;q=0', 'utf-8'],
    ['*', 'utf-8'],
    ['iso-8859-1', 'utf-8'],
  ])('for Accept-Charset: %s is %s', (accepted, charset) => {
    expect(charsetOf({ 'accept-charset': accepted })).toBe(charset);
  });

  test('is that of the request if Accept-Charset names no supported one', () => {
    const request = { 'content-type': 'application/json; charset="utf-16"' };
    expect(charsetOf(request)).toBe('utf-16');
    expect(charsetOf({ ...request, 'accept-charset': 'koi8-r' })).toBe('utf-16');
    expect(charsetOf({ ...request, 'accept-charset': 'utf-8' })).toBe('utf-8');
  });
});
