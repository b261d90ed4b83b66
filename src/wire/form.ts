/** A form's values by their lower-case names, the first of one name; or what is wrong with it, or beyond what is read. */
export type ParsedForm =
  | { readonly fields: ReadonlyMap<string, string> }
  | { readonly problem: string }
  | { readonly excess: string };

/** Each name costs more than its bytes; a request has nine fields. */
const MAX_FIELDS = 1_000;
const MAX_NAME_LENGTH = 256;

/** An application/x-www-form-urlencoded text: `+` is a blank, `%XX` a byte of UTF-8, any other `%` stands for itself. */
export function parseForm(text: string): ParsedForm {
  const fields = new Map<string, string>();
  const pairs = text.split('&', MAX_FIELDS + 1);
  if (pairs.length > MAX_FIELDS) return { excess: `has more than ${MAX_FIELDS} form fields` };
  try {
    for (const pair of pairs) {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      if (name.length > MAX_NAME_LENGTH)
        return { excess: `has a form field with a name of more than ${MAX_NAME_LENGTH} characters` };
      const key = decode(name).toLowerCase();
      if (!fields.has(key)) fields.set(key, decode(value));
    }
  } catch {
    return { problem: 'is a form with bytes that are not UTF-8' };
  }
  return { fields };
}

/** @throws URIError where the bytes are not UTF-8. */
function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' ').replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
}
