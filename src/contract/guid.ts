const HEX = '[0-9a-fA-F]';
const HYPHENATED = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;
const GUID = new RegExp(`^(?:${HEX}{32}|${HYPHENATED}|\\{${HYPHENATED}\\}|\\(${HYPHENATED}\\))$`);
const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The formats that `parseGuid` accepts, for error messages. */
export const GUID_FORMS = 'a GUID: 32 hexadecimal digits, plain, hyphenated, or hyphenated in {} or ()';

/** The all-zero GUID, which .NET writes for a GUID that was never set. */
export const EMPTY_GUID = '00000000-0000-0000-0000-000000000000';

/**
 * Parses a GUID in one of .NET's formats N, D, B or P, in any case, as ASP.NET Web API 2 does. Blanks around it are not accepted.
 * Returns it hyphenated and lower-case; null if the text is not a GUID.
 */
export function parseGuid(text: string): string | null {
  if (CANONICAL.test(text)) return text;
  if (!GUID.test(text)) return null;
  const digits = text.replace(/[-{}()]/g, '').toLowerCase();
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}
