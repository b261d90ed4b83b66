/** Stands for a secret in a header's value; a shell expands it. */
export const TOKEN_VARIABLE = '$TOKEN';
/** Linux limits an argument of a program to 128 KB, but not one of a shell's builtin. */
const MAX_WORD_BYTES = 100_000;

export interface ExplainedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Formats the request as a command for any POSIX shell. */
export function toCurlCommand({ method, url, headers, body }: ExplainedRequest): string {
  const isLarge = body !== null && Buffer.byteLength(body) > MAX_WORD_BYTES;
  const words = [
    isLarge ? `printf %s ${quote(body)} | curl --http1.1` : 'curl --http1.1',
    ...(method === 'POST' ? [] : [`-X ${method}`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${quoteHeader(`${name}: ${value}`)}`),
    // Without it, curl would name a form's type for the empty body.
    ...(body === null ? [`-H 'Content-Type:'`] : []),
    // Unlike --data, it keeps line breaks.
    `--data-binary ${isLarge ? '@-' : quote(body ?? '')}`,
    quote(url.href),
  ];
  return words.join(' \\\n  ');
}

/** Inside single quotes, only a single quote needs escaping. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function quoteHeader(header: string): string {
  return header.split(TOKEN_VARIABLE).map(quote).join(`"${TOKEN_VARIABLE}"`).replace(/''$/, '');
}
