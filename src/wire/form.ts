/** A form's values by their lower-case names, the first of one name, or what is wrong with it. */
export type ParsedForm = { readonly fields: ReadonlyMap<string, string> } | { readonly problem: string };

/** An application/x-www-form-urlencoded text: `+` is a blank, `%XX` a byte of UTF-8, any other `%` stands for itself. */
export function parseForm(text: string): ParsedForm {
  const fields = new Map<string, string>();
  try {
    for (const pair of text.split('&')) {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
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
