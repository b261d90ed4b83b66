import type { TaskFailure } from '../contract/failure.ts';
import { invalidHeader } from './transport-failure.ts';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

export type Headers = Readonly<Record<string, string>>;

const INVALID_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** What undici would refuse in words of its own. */
export function findInvalidHeader(headers: Headers): TaskFailure | null {
  for (const name in headers) if (INVALID_IN_HEADER.test(headers[name] ?? '')) return invalidHeader(name);
  return null;
}

/** All headers of a request as undici takes them with the least ado, names and values in turn; `fixed` is such a list already. */
export function toHeaderList(fixed: readonly string[], ...others: readonly Headers[]): string[] {
  const list = [...fixed];
  for (const headers of others) for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

/** How the gateway names itself to the service. */
export const USER_AGENT = 'account-task-gateway';

/**
 * The body as it was before its Content-Encoding, which the request asked for none of.
 * @throws Error for a body that is damaged or larger than `maxBytes`, or an encoding that is not known.
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
      // Some servers leave out the zlib header, whose first byte always has 8 in its lower half.
      return ((body[0] ?? 0) & 0x0f) === 8 ? inflateSync(body, limit) : inflateRawSync(body, limit);
    case 'br':
      return brotliDecompressSync(body, limit);
    default:
      throw new Error('The content encoding is not known.');
  }
}
