import { Buffer } from 'node:buffer';
import { isatty } from 'node:tty';
import { pino } from 'pino';

/** What this project writes to its log: facts first, then the sentence. */
export interface Log {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where lines go; each ends with a line feed. */
export interface LogSink {
  /** `isAscii` where it is known to be, which costs less to write. */
  write(line: string, isAscii?: boolean): void;
  /** Asks for what was written to be passed on now; it waits for nothing. */
  flush(): void;
}

export interface LogSinkOptions {
  /** Standard error, unless another is given. */
  readonly fd?: number;
  readonly isTerminal?: boolean;
  /** Whether other processes write to the same. */
  readonly isShared?: boolean;
}

/** What every line says of the process that wrote it. */
export interface ProcessFacts {
  readonly worker?: number;
}

const STANDARD_ERROR = 2;
/**
 * A write wakes another thread, which costs more than a hundred lines. One of up to 4 KB is never mixed with another
 * process's in the same pipe.
 */
const BUFFERS = {
  own: { minLength: 61_440, maxWrite: 65_536 },
  shared: { minLength: 3_072, maxWrite: 4_096 },
} as const;
const MAX_WAIT_MS = 1_000;
/** When whoever reads the log has stopped reading, it may not take all the memory. */
const MAX_UNREAD_BYTES = 67_108_864;

/**
 * A sink to standard error, or another file descriptor: readable in a terminal, else lines of JSON, passed on when there
 * are 60 KB of them (3 where several processes write to the same), after a second, and when the process exits, however it does but for SIGKILL.
 */
export async function openLogSink({
  fd = STANDARD_ERROR,
  isTerminal = isatty(fd),
  isShared = false,
}: LogSinkOptions = {}): Promise<LogSink> {
  if (isTerminal) {
    const { PinoPretty } = await import('pino-pretty');
    const pretty = PinoPretty({ destination: fd, sync: true, translateTime: 'SYS:HH:MM:ss', singleLine: true });
    return { write: (line) => void pretty.write(line), flush: () => undefined };
  }
  const destination = pino.destination({
    dest: fd,
    sync: false,
    ...BUFFERS[isShared ? 'shared' : 'own'],
    maxLength: MAX_UNREAD_BYTES,
    periodicFlush: MAX_WAIT_MS,
    // As text every line would be measured together with all that wait.
    contentMode: 'buffer',
  });
  const bytes = destination as unknown as { write(line: Buffer): void };
  return {
    write: (line, isAscii = false) => bytes.write(Buffer.from(line, isAscii ? 'latin1' : 'utf8')),
    flush: () => destination.flush(),
  };
}

/** A log that writes at once, each line with these facts; secrets never reach it. */
export function createLog(level: LogLevel, sink: LogSink, facts: ProcessFacts = {}): Log {
  const write = (line: string): void => {
    sink.write(line);
    sink.flush();
  };
  return pino(
    {
      level,
      serializers: { err: (error: unknown) => toLoggedError(error) },
      hooks: { streamWrite: redactLine },
      base: facts,
      redact: { paths: ['*.authorization', '*.Authorization', '*.secret', '*.Parameters'], censor: '[redacted]' },
    },
    { write },
  );
}

/** A sink for nothing. */
export const NO_LOG_SINK: LogSink = { write: () => undefined, flush: () => undefined };

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
