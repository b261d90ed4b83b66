import { isUtf8 } from 'node:buffer';

/** Whether a body is UTF-8, and what a form's escapes stand for as well: decoding would put U+FFFD where it is not. */
export function isText(body: Buffer, mediaType: string): boolean {
  if (!isUtf8(body)) return false;
  if (mediaType !== 'application/x-www-form-urlencoded') return true;
  try {
    decodeURIComponent(body.toString().replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
    return true;
  } catch {
    return false;
  }
}
