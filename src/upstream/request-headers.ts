import type { TaskFailure } from '../contract/failure.ts';
import { invalidHeader } from './transport-failure.ts';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

export type RequestHeaders = Readonly<Record<string, string>>;

const INVALID_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** Returns a failure for the first header that undici would reject with an error of its own; null if all are valid. */
export function findInvalidHeader(headers: RequestHeaders): TaskFailure | null {
  for (const name in headers) if (INVALID_IN_HEADER.test(headers[name] ?? '')) return invalidHeader(name);
  return null;
}

/** Returns all headers as a flat list of names and values, which costs undici the least; `fixed` is such a list already. */
export function toHeaderList(fixed: readonly string[], ...others: readonly RequestHeaders[]): string[] {
  const list = [...fixed];
  for (const headers of others) for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

/** The gateway's User-Agent at the service. */
export const USER_AGENT = 'account-task-gateway';

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
