/**
 * The shapes of the errors that a caller sees: `refusedResult` for a request that never ran, `executionErrors` for an
 * operation that ran. A `TaskFailure` shows its code; any error that is not GraphQL's own is masked.
 */
import { type ExecutionResult, GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { shortenMessage, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { type AnswerBudget, AnswerTooLargeError } from '../schema/answer-budget.ts';
import type { DoneWrites, UncertainWrite } from '../schema/context.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import type { Metrics } from '../telemetry/metrics.ts';

const MASKED_MESSAGE = 'Unexpected error.';

interface MaskedFacts extends DoneWrites {
  readonly outcome?: string;
}

/** The request that an error belongs to. */
export interface FailedRequest {
  /** Records the failure for the log line, metrics and trace. */
  readonly record: RequestRecord;
  readonly log: Log;
  /** The writes that were carried out. An answer without data would otherwise not show them. */
  readonly done?: DoneWrites;
  /** The writes of unknown outcome. */
  readonly uncertain?: readonly UncertainWrite[];
}

/** The `extensions` of a failure. */
function toExtensions(failure: TaskFailure, requestId: string): Record<string, unknown> {
  return {
    code: failure.code,
    outcome: failure.outcome,
    ...(failure.errorCode === undefined ? {} : { errorCode: failure.errorCode }),
    ...(failure.errorReason === undefined ? {} : { errorReason: failure.errorReason }),
    retryable: failure.retryable,
    requestId,
  };
}

/** Logs a known failure as a sentence with its cause, and any other error in full, since callers see it masked. */
export function logFailure(error: unknown, { log, record }: FailedRequest): void {
  if (!takeLogLine(error, record)) return;
  const { requestId } = record;
  if (error instanceof TaskFailure) {
    const { code, outcome, cause } = error;
    log.warn({ requestId, code, outcome, err: cause }, toLogMessage(error));
  } else {
    log.error({ requestId, err: error }, 'unexpected error');
  }
}

/**
 * The answer to a request that never ran: NOT_SENT, with status 400 or more. In application/json only a malformed request
 * has such a status. An unexpected error may have struck after a write, so the answer then is that of an operation that
 * ran: `data: null` and status 200.
 */
export function refusedResult(errors: readonly GraphQLError[], request: FailedRequest): ExecutionResult {
  const mayHaveRun = errors.some(isUnexpected);
  const kept = limitErrors(errors, request.record);
  const named = kept.map((error) => {
    if (isUnexpected(error)) return maskedError(error, request, { outcome: 'UNKNOWN' });
    const { http, code } = error.extensions as { readonly http?: object; readonly code?: string };
    const status = { http: { status: 400, ...http, spec: code !== 'BAD_REQUEST' } };
    return refusedError(error, request, mayHaveRun ? {} : status);
  });
  return { errors: withOmittedCount(named, errors.length - kept.length), ...(mayHaveRun ? { data: null } : {}) };
}

/** @param status the extension `http`, which Yoga takes the status from and removes. With `spec` it ignores it in application/json. */
function refusedError(
  error: GraphQLError,
  { record }: FailedRequest,
  status: { readonly http?: object } = {},
): GraphQLError {
  const { originalError: _, http: __, ...extensions } = error.extensions;
  const { code } = extensions;
  noteFailure(record, typeof code === 'string' ? code : 'BAD_USER_INPUT', 'NOT_SENT');
  return toError(error, error.message, {
    code: 'BAD_USER_INPUT',
    ...extensions,
    outcome: 'NOT_SENT',
    retryable: false,
    requestId: record.requestId,
    ...status,
  });
}

/** The errors of an operation, preceded by one for the details that the answer holds only in part. */
export function withShortDetails(errors: readonly GraphQLError[], answer: AnswerBudget): readonly GraphQLError[] {
  const error = answer.shortDetailsError;
  return error ? [new GraphQLError(error.message, { originalError: error }), ...errors] : errors;
}

export interface ExecutedOperation {
  readonly isMutation: boolean;
  /** True if an error nulled the whole `data`. */
  readonly isLost: boolean;
}

/** The errors of an operation that ran. A masked failure of a mutation is UNKNOWN: the write may have been done before it. */
export function executionErrors(
  errors: readonly GraphQLError[],
  { isMutation, isLost }: ExecutedOperation,
  request: FailedRequest,
): GraphQLError[] {
  const done = isLost ? request.done : {};
  const uncertain = isLost ? (request.uncertain ?? []).map((write) => uncertainError(write, request, done)) : [];
  // An error at a root field, or the last error if it nulled all data.
  const isOfWrite = ({ path = [] }: GraphQLError, index: number): boolean =>
    isMutation && (path.length <= 1 || (isLost && index === errors.length - 1));
  const kept = limitErrors(errors, request.record, isOfWrite);
  const named = kept.map((error) => {
    if (error.originalError instanceof AnswerTooLargeError) return tooLargeError(error, request, isMutation);
    const failure = findFailure(error);
    if (failure) {
      logFailure(failure, request);
      noteFailure(request.record, failure.code, failure.outcome);
      return toError(error, failure.message, { ...toExtensions(failure, request.record.requestId), ...done });
    }
    if (isUnexpected(error))
      return maskedError(error, request, { ...(isMutation ? { outcome: 'UNKNOWN' } : {}), ...done });
    return refusedError(error, request);
  });
  return withOmittedCount([...uncertain, ...named], errors.length - kept.length);
}

/** The error of a failure that would have been data. It has been logged and recorded already. */
function uncertainError(
  { path, error }: UncertainWrite,
  { record: { requestId } }: FailedRequest,
  done: DoneWrites | undefined,
): GraphQLError {
  const at = new GraphQLError('', { path });
  return error instanceof TaskFailure
    ? toError(at, error.message, { ...toExtensions(error, requestId), ...done })
    : toError(at, MASKED_MESSAGE, toMaskedExtensions(requestId, { outcome: 'UNKNOWN', ...done }));
}

function toMaskedExtensions(requestId: string, facts: MaskedFacts): Record<string, unknown> {
  return { code: 'INTERNAL_SERVER_ERROR', ...facts, retryable: false, requestId };
}

/** The error of a value that did not fit into the answer. For a mutation it has no outcome: the mutation ran. */
function tooLargeError(error: GraphQLError, { record }: FailedRequest, isMutation: boolean): GraphQLError {
  const { requestId } = record;
  if (!isMutation) noteFailure(record, 'ANSWER_TOO_LARGE', 'NOT_SENT');
  const outcome = isMutation ? {} : { outcome: 'NOT_SENT' };
  return toError(error, error.message, { code: 'ANSWER_TOO_LARGE', ...outcome, retryable: false, requestId });
}

function maskedError(error: GraphQLError, request: FailedRequest, facts: MaskedFacts): GraphQLError {
  const { record } = request;
  logFailure(error.originalError ?? error, request);
  noteFailure(record, 'INTERNAL_SERVER_ERROR', facts.outcome ?? null);
  return toError(error, MASKED_MESSAGE, toMaskedExtensions(record.requestId, facts));
}

function toError(error: GraphQLError, message: string, extensions: Record<string, unknown>): GraphQLError {
  return copyError(error, shortenMessage(message), extensions);
}

function copyError(error: GraphQLError, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  const { nodes = null, source = null, positions = null, path = null } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function findFailure(error: Error | undefined): TaskFailure | null {
  if (error instanceof TaskFailure) return error;
  return error instanceof GraphQLError ? findFailure(error.originalError) : null;
}

/** Returns true unless the error and all its original errors are GraphQL's own. */
function isUnexpected(error: Error | undefined): boolean {
  if (!(error instanceof GraphQLError)) return true;
  return error.originalError != null && isUnexpected(error.originalError);
}

/** At most 20 errors in an answer, and at most 20 failures of a request in the log; both say how many were left out. */
const MAX_FAILURES = 20;

/** Returns the errors that an answer holds: the first ones, and every error about a write. */
function limitErrors(
  errors: readonly GraphQLError[],
  record: RequestRecord,
  isOfWrite: (error: GraphQLError, index: number) => boolean = () => false,
): readonly GraphQLError[] {
  if (errors.length <= MAX_FAILURES) return errors;
  let others = MAX_FAILURES - errors.filter(isOfWrite).length;
  const kept = errors.filter((error, index) => isOfWrite(error, index) || (others -= 1) >= 0);
  record.failuresLeftOut += errors.length - kept.length;
  return kept;
}

/** Returns the errors of an answer, the last one saying how many were left out. */
function withOmittedCount(errors: readonly GraphQLError[], omitted: number): GraphQLError[] {
  const last = errors.at(-1);
  if (!last || omitted === 0) return [...errors];
  const counted = copyError(last, `${last.message} (and ${omitted} more errors)`, last.extensions);
  return [...errors.slice(0, -1), counted];
}

/**
 * Counts a failure and returns true if it may have a line in the log. One of unknown outcome always may: somebody has to
 * find out what happened.
 */
function takeLogLine(error: unknown, record: RequestRecord): boolean {
  const isUnknown = error instanceof TaskFailure && error.outcome === 'UNKNOWN';
  if (record.failuresLogged >= MAX_FAILURES && !isUnknown) {
    record.failuresLeftOut += 1;
    return false;
  }
  record.failuresLogged += 1;
  return true;
}

/** Reports the number of failures that were left out to the log and the metrics. Called at the end of a request. */
export function reportOmittedFailures(
  { requestId, failuresLogged, failuresLeftOut }: RequestRecord,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): void {
  if (failuresLeftOut === 0) return;
  metrics.countRefusal('failures');
  if (failuresLogged > 0) log.warn({ requestId }, `and ${failuresLeftOut} more failures of this request`);
}
