/** Credentials as an Authorization header has them ("bearer token" is no token), and a user name and password in an address. */
const CREDENTIALS = /\b(Bearer|Basic|Digest|Negotiate|NTLM) +[\w.~+/=-]{8,}/gi;
const ADDRESS = /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^/\s"\\]{1,400}@/gi;
const PASSWORD_PARAMETER = /([?&]password=)[^&\s"\\]{1,400}/gi;
/** How deep causes are followed. */
const MAX_CAUSES = 5;

/** A line of the log without credentials, wherever in it they stand. */
export function redactLine(line: string): string {
  return line
    .replace(CREDENTIALS, '$1 [redacted]')
    .replace(ADDRESS, '$1[redacted]@')
    .replace(PASSWORD_PARAMETER, '$1[redacted]');
}

/**
 * What a log says of an error and of its causes, and no more: drivers and parsers hang whole answers, rows and requests on
 * their errors, and an engine's error about a text quotes it.
 */
export function toLoggedError(error: unknown, depth = 0): unknown {
  if (error === undefined || error === null) return error;
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, message, code, cause, stack = '' } = error as NodeJS.ErrnoException;
  const isFollowed = depth < MAX_CAUSES;
  return {
    type: name,
    message: error instanceof SyntaxError ? 'a text cannot be read' : message,
    ...(typeof code === 'string' && { code }),
    stack: stack
      .split('\n')
      .filter((line) => /^ +at /.test(line))
      .join('\n'),
    ...(isFollowed && cause !== undefined && { cause: toLoggedError(cause, depth + 1) }),
    ...(isFollowed &&
      error instanceof AggregateError && { errors: error.errors.map((each) => toLoggedError(each, depth + 1)) }),
  };
}
