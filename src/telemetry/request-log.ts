import type { LogLevel, LogSink, ProcessFacts } from './log.ts';
import { type RequestRecord, toOutcome } from './request-record.ts';

export interface AnswerFacts {
  readonly status: number;
  readonly durationMs: number;
  /** The caller left before its answer was whole. */
  readonly isAborted: boolean;
}

/** Writes one line for a request that is over; that of a probe is for debugging only. */
export type RequestLog = (record: RequestRecord, answer: AnswerFacts, isProbe: boolean) => void;

/** pino's numbers. */
const LEVELS = { debug: 20, info: 30 } as const;

/**
 * The line is written here and not by pino, whose general way costs four times as much on every request. Nothing in it
 * needs escaping or is more than ASCII: IDs are checked, operations are GraphQL names, methods are node's, and the rest is the gateway's own.
 */
export function createRequestLog(level: LogLevel, sink: LogSink, { worker }: ProcessFacts = {}): RequestLog {
  const processField = worker === undefined ? '' : `,"worker":${worker}`;
  const writesProbes = level === 'debug';
  const writesRequests = writesProbes || level === 'info';
  return (record, answer, isProbe) => {
    if (isProbe ? writesProbes : writesRequests) sink.write(toLine(record, answer, isProbe, processField), true);
  };
}

function toLine(
  record: RequestRecord,
  { status, durationMs, isAborted }: AnswerFacts,
  isProbe: boolean,
  processField: string,
): string {
  const { requestId, traceId, method, path, operationName, code, upstreamMs, commitMs } = record;
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

/** Milliseconds with one decimal; put together from whole numbers, whose texts V8 has at hand. */
function toMs(ms: number): string {
  const tenths = Math.round(ms * 10);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}
