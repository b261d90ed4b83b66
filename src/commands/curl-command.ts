export interface CurlRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Stands in a header's value for a secret; the shell puts its variable of this name there. */
export const TOKEN_VARIABLE = '$TOKEN';

const MAX_WORD_BYTES = 100_000;

/** The request as a command that means the same when it is pasted into any POSIX shell. */
export function toCurlCommand({ url, headers, body }: CurlRequest): string {
  // One word of a command may have 128 KB on Linux; a builtin's is no command's.
  const isLarge = Buffer.byteLength(body) > MAX_WORD_BYTES;
  const words = [
    isLarge ? `printf %s ${quote(body)} | curl --http1.1` : 'curl --http1.1',
    ...Object.entries(headers).map(([name, value]) => `-H ${quoteHeader(`${name}: ${value}`)}`),
    // Unlike --data it leaves line breaks as they are.
    `--data-binary ${isLarge ? '@-' : quote(body)}`,
    quote(url.href),
  ];
  return words.join(' \\\n  ');
}

/** Inside single quotes everything but a single quote stands for itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function quoteHeader(header: string): string {
  return header.split(TOKEN_VARIABLE).map(quote).join(`"${TOKEN_VARIABLE}"`).replace(/''$/, '');
}
