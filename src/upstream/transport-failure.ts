import { badInput, TaskFailure } from '../contract/failure.ts';

/*
 * The failures of an exchange that brought no usable answer, and their outcomes. One fact decides, in `toTransportFailure`: an
 * exchange is NOT_SENT until its request may have begun to leave, and UNKNOWN from then on. It is never REJECTED, which takes an
 * answer: `interpretAnswer` in contract/envelope.ts maps statuses (401, 429, 503, …) and envelopes to failures.
 */

/** The code of the error that ends a connection after an answer of status 101. No request asks for it. */
export const PROTOCOL_SWITCH = 'PROTOCOL_SWITCH';

/** Decides the outcome of a failed exchange. `cause` is null if its time was up, `unknownFate` that of the operation. */
export function toTransportFailure(mayHaveBeenSent: boolean, cause: Error | null, unknownFate: string): TaskFailure {
  if (!mayHaveBeenSent) return unreachable(cause);
  return cause === null ? timedOut(unknownFate) : connectionLost(cause, unknownFate);
}

const UNREACHABLE_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'no connection was made in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection was made in time',
  PROXY_REFUSED: 'the proxy in between refuses to connect to it',
};

/** The reason why no connection was made, without an address; `cause` is null if the time was up first. */
function unreachableReason(cause: unknown): string {
  const code = cause === null ? 'ETIMEDOUT' : errorCode(cause);
  if (/^ERR_(?:SSL|TLS)|CERT|^UNABLE_TO_|^EPROTO$/.test(code)) return 'no secure connection could be made';
  return UNREACHABLE_REASONS[code] ?? 'no connection could be made';
}

/** No connection was made, so nothing was sent and the client may connect again. */
export function unreachable(cause: unknown, ending = ' Nothing was sent.'): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_UNREACHABLE',
    `The service cannot be reached: ${unreachableReason(cause)}.${ending}`,
    { cause },
  );
}

/** The gateway's own limits refused the request. A 429 of the service is OVERLOADED as well, but REJECTED: see contract/envelope.ts. */
export function overloaded(reason: string): TaskFailure {
  return new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, `${reason} Nothing was sent.`);
}

/** A header value contains a character such as a line break. */
export function invalidHeader(header: string): TaskFailure {
  return badInput(header, 'contains a character that HTTP does not allow in a header');
}

function timedOut(unknownFate: string): TaskFailure {
  return new TaskFailure('UPSTREAM_TIMEOUT', `The service did not answer in time; ${unknownFate}.`);
}

/** An answer arrived, but it does not say what became of the request. */
export function unreadable(problem: string, unknownFate: string, cause?: unknown): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_UNREADABLE',
    `The service's answer ${problem}; ${unknownFate}.`,
    cause === undefined ? {} : { cause },
  );
}

/** The connection failed after bytes of the request may have left. */
function connectionLost(cause: Error, unknownFate: string): TaskFailure {
  const code = errorCode(cause);
  // The unparsed rest of the answer, which must not get into the log.
  if ('data' in cause) cause.data = undefined;
  if (code === PROTOCOL_SWITCH) return unreadable('switches to another protocol', unknownFate, cause);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return unreadable('has headers that are too large', unknownFate, cause);
  // A body that ends before its last chunk is a lost connection; any other parser error means that this is not HTTP.
  if (cause.name === 'HTTPParserError' && !cause.message.includes('Invalid EOF state'))
    return unreadable('does not follow HTTP', unknownFate, cause);
  return new TaskFailure(
    'UPSTREAM_CONNECTION_LOST',
    `The connection to the service was lost before its answer was complete; ${unknownFate}.`,
    { cause },
  );
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
