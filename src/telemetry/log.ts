import { Buffer } from 'node:buffer';
import { isatty } from 'node:tty';
import { pino } from 'pino';
import { type AnswerFacts, type RequestLog, type RequestRecord, toOutcome } from './request-record.ts';

/** The log of this project; each call takes facts first, then a sentence. */
export interface Log {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The destination of log lines; each line ends with a line feed. */
export interface LogSink {
  /** `isAscii` is true if the line is known to be ASCII, which makes writing cheaper. */
  write(line: string, isAscii?: boolean): void;
  /** Starts to write out buffered lines, and does not wait for the end. */
  flush(): void;
}

export interface LogSinkOptions {
  /** Standard error by default. */
  readonly fd?: number;
  readonly isTerminal?: boolean;
  /** True if other processes write to the same destination. */
  readonly isShared?: boolean;
}

/** The facts about the process that every line carries. */
export interface ProcessFacts {
  readonly worker?: number;
}

const STANDARD_ERROR = 2;
/**
 * Lines are written in batches, because a write wakes another thread, which costs more than a hundred lines. Writes of up to 4 KB
 * to the same pipe are never interleaved with those of another process.
 */
const BUFFERS = {
  own: { minLength: 61_440, maxWrite: 65_536 },
  shared: { minLength: 3_072, maxWrite: 4_096 },
} as const;
const MAX_WAIT_MS = 1_000;
/** Limits the memory for lines that the reader of the log does not read; further lines are dropped. */
const MAX_UNREAD_BYTES = 67_108_864;

/**
 * Opens a sink to a file descriptor: readable text in a terminal, otherwise lines of JSON. Lines are written out when there are
 * 60 KB of them (3 KB in a shared destination), after a second, and on every exit of the process except SIGKILL.
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
    // With text, pino would measure the whole buffer for every line.
    contentMode: 'buffer',
  });
  const bytes = destination as unknown as { write(line: Buffer): void };
  return {
    write: (line, isAscii = false) => bytes.write(Buffer.from(line, isAscii ? 'latin1' : 'utf8')),
    flush: () => destination.flush(),
  };
}

/** Creates a log that writes each line at once, with these facts and without secrets. */
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

/** A sink that discards all lines. */
export const NO_LOG_SINK: LogSink = { write: () => undefined, flush: () => undefined };

/** The credentials of an Authorization header; 8 characters at least, so that the words "bearer token" are left alone. */
const CREDENTIALS = /\b(Bearer|Basic|Digest|Negotiate|NTLM) +[\w.~+/=-]{8,}/gi;
const ADDRESS = /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^/\s"\\]{1,400}@/gi;
const PASSWORD_PARAMETER = /([?&]password=)[^&\s"\\]{1,400}/gi;
/** The most nested causes that are logged. */
const MAX_CAUSES = 5;

/** Removes credentials from a log line, wherever they occur. */
export function redactLine(line: string): string {
  return line
    .replace(CREDENTIALS, '$1 [redacted]')
    .replace(ADDRESS, '$1[redacted]@')
    .replace(PASSWORD_PARAMETER, '$1[redacted]');
}

/**
 * Reduces an error and its causes to what may be logged. Drivers and parsers attach whole answers, rows and requests to their
 * errors, and the engine's SyntaxError quotes the text that it could not parse.
 */
export function toLoggedError(error: unknown, depth = 0): unknown {
  if (error === undefined || error === null) return error;
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, message, code, cause, stack = '' } = error as NodeJS.ErrnoException;
  const isFollowed = depth < MAX_CAUSES;
  return {
    type: name,
    message: error instanceof SyntaxError ? 'a text could not be parsed' : message,
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

/** The numbers of pino's levels. */
const LEVELS = { debug: 20, info: 30 } as const;

/**
 * Creates the log of requests. It builds its lines itself, because pino would cost four times as much. No value needs escaping,
 * and all are ASCII: IDs are checked, operations are GraphQL names, methods are Node's, and the rest is the gateway's own.
 */
export function createRequestLog(level: LogLevel, sink: LogSink, { worker }: ProcessFacts = {}): RequestLog {
  const processField = worker === undefined ? '' : `,"worker":${worker}`;
  const writesProbes = level === 'debug';
  const writesRequests = writesProbes || level === 'info';
  return (record, answer) => {
    if (record.isProbe ? writesProbes : writesRequests) sink.write(toLine(record, answer, processField), true);
  };
}

function toLine(record: RequestRecord, { status, durationMs, isAborted }: AnswerFacts, processField: string): string {
  const { requestId, traceId, method, path, isProbe, operationName, code, upstreamMs, commitMs } = record;
  const outcome = toOutcome(record);
  let line = `{"level":${isProbe ? LEVELS.debug : LEVELS.info},"time":${Date.now()}${processField},"requestId":"${requestId}"`;
  if (traceId !== null) line += `,"traceId":"${traceId}"`;
  line += `,"method":"${method}","path":"${path}","status":${status}`;
  if (operationName !== null) line += `,"operation":"${operationName}"`;
  if (code !== null) line += `,"code":"${code}"`;
  if (outcome !== null) line += `,"outcome":"${outcome}"`;
  line += `,"durationMs":${toMs(durationMs)}`;
  if (upstreamMs > 0) line += `,"upstreamMs":${toMs(upstreamMs)}`;
  if (commitMs > 0) line += `,"commitMs":${toMs(commitMs)}`;
  if (isAborted) line += ',"aborted":true';
  return `${line},"msg":"request"}\n`;
}

/** Formats milliseconds with one decimal. Two integers are cheaper than a fraction, because V8 caches their texts. */
function toMs(ms: number): string {
  const tenths = Math.round(ms * 10);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}
