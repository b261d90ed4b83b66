import { pino } from 'pino';
import { redactLine, toLoggedError } from './log-redaction.ts';

/** What this project writes to its log: facts first, then the sentence. */
export interface Log {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log of JSON lines on standard error's file descriptor, each with these facts; secrets never reach it. */
export function createLog(level: LogLevel, facts: { readonly worker?: number } = {}): Log {
  return pino(
    {
      level,
      serializers: { err: (error: unknown) => toLoggedError(error) },
      hooks: { streamWrite: redactLine },
      base: facts,
      redact: { paths: ['*.authorization', '*.Authorization', '*.secret', '*.Parameters'], censor: '[redacted]' },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
