import { isUtf8 } from 'node:buffer';

const FORM = /^\s*application\/x-www-form-urlencoded\b/i;

/** Whether a body is UTF-8, and what a form's escapes stand for as well: decoding would put U+FFFD where it is not. */
export function isText(body: Buffer, contentType: string | undefined): boolean {
  if (!isUtf8(body)) return false;
  if (contentType === 'application/json' || !FORM.test(contentType ?? '')) return true;
  try {
    decodeURIComponent(body.toString().replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
    return true;
  } catch {
    return false;
  }
}
