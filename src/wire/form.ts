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
