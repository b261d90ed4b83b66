import { badInput, TaskFailure } from '../contract/failure.ts';

const IN_DOUBT = 'the task may have been created';

const UNREACHABLE_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'no connection was made in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection was made in time',
  PROXY_REFUSED: 'the proxy in between refuses to connect to it',
};

/** Why no connection was made, in words that hold no address; `cause` is null when the time was up first. */
function unreachableReason(cause: unknown): string {
  const code = cause === null ? 'ETIMEDOUT' : errorCode(cause);
  if (/^ERR_(?:SSL|TLS)|CERT|^UNABLE_TO_|^EPROTO$/.test(code)) return 'no secure connection could be made';
  return UNREACHABLE_REASONS[code] ?? 'no connection could be made';
}

export function unreachable(cause: unknown, fate = ' Nothing was sent.'): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    `The service cannot be reached: ${unreachableReason(cause)}.${fate}`,
    { cause },
  );
}

export function overloaded(reason: string): TaskFailure {
  return new TaskFailure({ code: 'OVERLOADED', outcome: 'NOT_SENT' }, `${reason} Nothing was sent.`);
}

/** A header that cannot be written as HTTP, such as for a line break in its value. */
export function invalidHeader(header: string): TaskFailure {
  return badInput(header, 'holds a character that HTTP does not allow in a header');
}

export function timedOut(): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' },
    `The service did not answer in time; ${IN_DOUBT}.`,
  );
}

export function unreadable(problem: string, cause?: unknown): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN' },
    `The service's answer ${problem}; ${IN_DOUBT}.`,
    cause === undefined ? {} : { cause },
  );
}

/** The failure of an exchange that broke after bytes of the request may have left. */
export function connectionLost(cause: Error): TaskFailure {
  if (errorCode(cause) === 'UND_ERR_HEADERS_OVERFLOW') return unreadable('has headers that are too large', cause);
  // A body that ends before its last chunk is a lost connection; anything else the parser refuses is not HTTP.
  const isNotHttp = cause.name === 'HTTPParserError' && !cause.message.includes('Invalid EOF state');
  // What follows from there of the answer, which is nothing for the log.
  if ('data' in cause) cause.data = undefined;
  // undici drops the connection on a switch of protocols, or a 100 Continue of HTTP/1.0, that nobody asked for.
  const isOutOfTurn = cause.message === 'bad response' || cause.message === 'bad upgrade';
  if (isNotHttp || isOutOfTurn) return unreadable('does not follow HTTP', cause);
  return new TaskFailure(
    { code: 'UPSTREAM_CONNECTION_LOST', outcome: 'UNKNOWN' },
    `The connection to the service was lost before its answer was complete; ${IN_DOUBT}.`,
    { cause },
  );
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
