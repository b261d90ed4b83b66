import { Buffer, isAscii } from 'node:buffer';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { ReadProblem } from '../contract/account-task.ts';
import { parseMediaType } from './media-type.ts';

const DECLARED_ENCODING = /^[\t\n\r ]*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']/;
/** Enough bytes for a whole XML declaration. */
const DECLARATION_BYTES = 200;

/** The Content-Type of most answers, compared before it is parsed. */
const USUAL_TYPE = /^application\/(?:json|xml); charset=utf-8$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes a body, without its BOM. The encoding is that of the BOM; else UTF-16 if a NUL stands beside the first character, which
 * is ASCII in every JSON and XML text; else the charset of the Content-Type; else that of an XML declaration; else UTF-8.
 * Returns a problem for bytes that are invalid in that encoding, never U+FFFD.
 */
export function decodeText(bytes: Uint8Array, contentType: string | null): string | ReadProblem {
  const decoder = decoderOfBytes(bytes) ?? decoderOfContentType(contentType) ?? decoderOfDeclaration(bytes) ?? utf8;
  // Copying ASCII costs less than decoding it.
  if (decoder === utf8 && isAscii(bytes)) return toBuffer(bytes).toString('latin1');
  try {
    return decoder.decode(bytes);
  } catch {
    return { at: 'the body', problem: `is not valid ${decoder.encoding.toUpperCase()}` };
  }
}

/** Decodes a file or standard input like a body without a Content-Type. @throws Error if the bytes are invalid in its encoding. */
export function decodeFile(bytes: Uint8Array): string {
  const text = decodeText(bytes, null);
  if (typeof text !== 'string') throw new Error(`the text ${text.problem}`);
  return text;
}

/**
 * Decodes a body whose service applied a Content-Encoding although the request asked for none.
 * @throws Error if the body is damaged or larger than `maxBytes`, or the encoding is unknown.
 */
export function decodeContent(body: Buffer, encoding: string | null, maxBytes: number): Buffer {
  const limit = { maxOutputLength: maxBytes };
  switch (encoding?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return body;
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body, limit);
    case 'deflate':
      // Some servers omit the zlib header, which always has 8 in the lower half of its first byte.
      return ((body[0] ?? 0) & 0x0f) === 8 ? inflateSync(body, limit) : inflateRawSync(body, limit);
    case 'br':
      return brotliDecompressSync(body, limit);
    default:
      throw new Error('The content encoding is unknown.');
  }
}

export type Charset = 'utf-8' | 'utf-16';

/** Encodes a text as UTF-8, or as little-endian UTF-16 with a BOM. */
export function encodeText(text: string, charset: Charset): Uint8Array {
  return charset === 'utf-8' ? Buffer.from(text) : Buffer.from(`\uFEFF${text}`, 'utf16le');
}

function decoderOfBytes(bytes: Uint8Array): TextDecoder | null {
  const first = bytes[0];
  const second = bytes[1];
  if (first === 0xef && second === 0xbb && bytes[2] === 0xbf) return utf8;
  if (first === undefined || second === undefined) return null;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return createDecoder('utf-16le');
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return createDecoder('utf-16be');
  return null;
}

function decoderOfContentType(contentType: string | null): TextDecoder | null {
  if (contentType === null) return null;
  return USUAL_TYPE.test(contentType) ? utf8 : decoderNamed(parseMediaType(contentType)?.charset);
}

function decoderOfDeclaration(bytes: Uint8Array): TextDecoder | null {
  const start = toBuffer(bytes.subarray(0, DECLARATION_BYTES));
  return start.includes('<?xml') ? decoderNamed(DECLARED_ENCODING.exec(start.toString('latin1'))?.[1]) : null;
}

/** A Buffer over the same memory. */
function toBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Null for an unknown encoding, and for UTF-16, which would have been detected by its NULs. */
function decoderNamed(name: string | null | undefined): TextDecoder | null {
  if (name === null || name === undefined) return null;
  // The Encoding Standard reads ASCII as windows-1252, which accepts any byte. UTF-8 includes ASCII and rejects invalid bytes.
  if (/^(?:utf-?8|(?:us-)?ascii)$/i.test(name)) return utf8;
  const decoder = createDecoder(name);
  return decoder?.encoding.startsWith('utf-16') ? null : decoder;
}

function createDecoder(name: string): TextDecoder | null {
  try {
    return new TextDecoder(name, { fatal: true });
  } catch {
    return null;
  }
}

/** The only decoder of application/x-www-form-urlencoded, for REST, /Token and GraphQL alike. (graphql-yoga decodes once more.) */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The fields of a form in order; or what is wrong with it, or which limit it exceeds. */
export type ParsedForm =
  | { readonly fields: readonly (readonly [name: string, value: string])[] }
  | { readonly problem: string }
  | { readonly excess: string };

/** Limits the memory for names, which take more of it than their bytes in the body. */
const MAX_NAME_LENGTH = 256;

/** Parses a form. Nothing between two `&` is no field; a field without `=` has an empty value. */
export function parseForm(text: string, maxFields: number): ParsedForm {
  const pairs = text.split('&', maxFields + 1);
  if (pairs.length > maxFields) return { excess: `has more than ${maxFields} form fields` };
  const fields: (readonly [string, string])[] = [];
  for (const pair of pairs) {
    if (pair === '') continue;
    const [, given = '', rest = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    if (given.length > MAX_NAME_LENGTH)
      return { excess: `has a form field with a name of more than ${MAX_NAME_LENGTH} characters` };
    const name = decodeFormText(given);
    const value = decodeFormText(rest);
    if (name === null || value === null) return { problem: 'is a form that is not UTF-8' };
    fields.push([name, value]);
  }
  return { fields };
}

/** Decodes `+` to a blank and `%XX` to a byte of UTF-8; any other `%` stands for itself. Null if the bytes are not UTF-8. */
export function decodeFormText(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ').replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
  } catch {
    return null;
  }
}
