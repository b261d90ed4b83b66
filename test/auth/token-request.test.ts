import { describe, expect, test } from 'vitest';
import { readTokenRequest } from '../../src/auth/token-request.ts';

const FORM = 'application/x-www-form-urlencoded';
const read = (body: string | Buffer, authorization?: string, contentType = FORM) =>
  readTokenRequest({ 'content-type': contentType, ...(authorization ? { authorization } : {}) }, Buffer.from(body));
const basic = (text: string, scheme = 'Basic') => `${scheme} ${Buffer.from(text).toString('base64')}`;

describe('a token request', () => {
  test('has form-encoded parameters', () => {
    expect(read('client_secret=a+b%26%C3%A9%2B&grant_type=client_credentials&client_id=x&scope=')).toEqual({
      clientId: 'x',
      clientSecret: 'a b&é+',
    });
  });

  test.each([
    ['x:secret', 'secret'],
    ['x:a+b%26%C3%A9%2B', 'a b&é+'],
    ['x:a:b', 'a:b'],
    ['x:é', 'é'],
    ['x:50%', '50%'],
  ])('may have the form-encoded Basic credentials "%s", split at the first colon', (text, clientSecret) => {
    for (const scheme of ['Basic', 'basic'])
      expect(read('grant_type=client_credentials', basic(text, scheme))).toEqual({ clientId: 'x', clientSecret });
  });

  test('ignores another scheme of Authorization', () => {
    expect(read('grant_type=client_credentials&client_id=x&client_secret=y', 'Bearer abc')).toMatchObject({
      clientId: 'x',
    });
  });

  test.each([
    ['another media type', 'grant_type=client_credentials', 'application/x-www-form-urlencoded-not', 'invalid_request'],
    ['a grant in another case', 'grant_type=Client_Credentials', FORM, 'unsupported_grant_type'],
    ['an empty grant', 'grant_type=&client_id=x&client_secret=y', FORM, 'invalid_request'],
    ['an empty secret', 'grant_type=client_credentials&client_id=x&client_secret=', FORM, 'invalid_client'],
  ])('is rejected with %s', (_, body, contentType, error) => {
    expect(read(body, undefined, contentType)).toMatchObject({ error });
  });

  test('may have at most fifty parameters, each once', () => {
    const names = Array.from({ length: 48 }, (_, index) => `a${index}`);
    const whole = 'grant_type=client_credentials&client_id=x&client_secret=y';
    expect(read(`${whole}&${names.slice(1).join('&')}`)).toMatchObject({ clientId: 'x' });
    expect(read(`${whole}&${names.join('&')}`)).toMatchObject({ error: 'invalid_request', limit: 'form_fields' });
    expect(read(`${whole}&a&a`)).toEqual({
      error: 'invalid_request',
      description: 'A parameter is repeated.',
    });
  });

  test.each([
    ['an escape', 'client_secret=%FF'],
    ['a byte', Buffer.from([0x61, 0x3d, 0xff])],
  ])('is rejected with %s that is not UTF-8', (_, body) => {
    expect(read(body)).toMatchObject({ error: 'invalid_request' });
  });

  test('is rejected with a long name, and may have an empty pair', () => {
    expect(read(`${'a'.repeat(257)}=1`)).toMatchObject({ error: 'invalid_request', limit: 'form_fields' });
    expect(read('grant_type=client_credentials&&client_id=x&client_secret=y&')).toMatchObject({ clientId: 'x' });
  });

  test.each([':secret', 'x:', 'x', ''])('is rejected with the Basic credentials "%s"', (text) => {
    expect(read('grant_type=client_credentials', basic(text))).toMatchObject({ error: 'invalid_client' });
  });
});
