/**
 * The shapes of the errors that a caller sees: `refusedResult` for a request that never ran, `executionErrors` for an
 * operation that ran. A `TaskFailure` shows its code; any error that is not GraphQL's own is masked.
 */
import { type ExecutionResult, GraphQLError } from 'graphql';
import { shortenMessage, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { AnswerTooLargeError } from '../schema/answer-budget.ts';
import type { DoneWrites, GatewayContext } from '../schema/context.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';

/** At most 20 errors in an answer, and at most 20 failures of a request in the log; both say how many were left out. */
const MAX_FAILURES = 20;

/** The request that an error belongs to. */
export interface FailedRequest {
  /** Gets the failure for the log line, metrics and trace. */
  readonly record: RequestRecord;
  readonly log: Log;
}

export interface ExecutedOperation {
  readonly isMutation: boolean;
  /** True if an error nulled the whole `data`. */
  readonly isLost: boolean;
}

/**
 * The answer to a request that never ran: NOT_SENT, with status 400 or more. In application/json only a malformed request
 * has such a status. An unexpected error may have struck after a write, so the answer then is that of an operation that
 * ran: `data: null` and status 200.
 */
export function refusedResult(errors: readonly GraphQLError[], request: FailedRequest): ExecutionResult {
  const { record } = request;
  const mayHaveRun = errors.some((error) => !(toCause(error) instanceof GraphQLError));
  const kept = limitErrors(errors, record);
  const shown = kept.map((error) => {
    const cause = toCause(error);
    if (!(cause instanceof GraphQLError)) return failedError(error, cause, request, 'UNKNOWN', {});
    const { http, code } = error.extensions as { readonly http?: object; readonly code?: string };
    // Yoga takes the status from `http`, and removes it. With `spec` it ignores it in application/json.
    const status = { http: { status: 400, ...http, spec: code !== 'BAD_REQUEST' } };
    return refusedError(error, record, mayHaveRun ? {} : status);
  });
  return { errors: withOmittedCount(shown, errors.length - kept.length), ...(mayHaveRun ? { data: null } : {}) };
}

/**
 * The errors of an operation that ran. A masked failure of a mutation is UNKNOWN: the write may have been done before it.
 * If all data is lost, the errors name the writes that were done and the ones of unknown outcome.
 */
export function executionErrors(
  errors: readonly GraphQLError[],
  { isMutation, isLost }: ExecutedOperation,
  context: Pick<GatewayContext, 'done' | 'uncertain'>,
  request: FailedRequest,
): GraphQLError[] {
  const { record } = request;
  const done = isLost ? context.done : {};
  // Failures that would have been data. They have been logged and recorded already.
  const uncertain = (isLost ? context.uncertain : []).map(({ path, error }) =>
    toError(new GraphQLError('', { path }), toShown(error, record, 'UNKNOWN', done)),
  );
  // An error at a root field, or the last error if it nulled all data.
  const isOfWrite = ({ path = [] }: GraphQLError, index: number): boolean =>
    isMutation && (path.length <= 1 || (isLost && index === errors.length - 1));
  const kept = limitErrors(errors, record, isOfWrite);
  const shown = kept.map((error) => {
    const cause = toCause(error);
    if (cause instanceof AnswerTooLargeError) return tooLargeError(error, record, isMutation);
    if (cause instanceof GraphQLError) return refusedError(error, record);
    return failedError(error, cause, request, isMutation ? 'UNKNOWN' : undefined, done);
  });
  return withOmittedCount([...uncertain, ...shown], errors.length - kept.length);
}

/**
 * Logs a known failure as a sentence with its cause, and any other error in full, since callers see it masked. A failure of
 * unknown outcome always has a line in the log, because somebody has to find out what happened.
 */
export function logFailure(error: unknown, { log, record }: FailedRequest): void {
  const { requestId } = record;
  const failure = error instanceof TaskFailure ? error : null;
  if (record.failuresLogged >= MAX_FAILURES && failure?.outcome !== 'UNKNOWN') {
    record.failuresLeftOut += 1;
    return;
  }
  record.failuresLogged += 1;
  if (!failure) return log.error({ requestId, err: error }, 'unexpected error');
  const { code, outcome, cause } = failure;
  log.warn({ requestId, code, outcome, err: cause }, toLogMessage(failure));
}

/** The message and extensions of an error. */
interface Shown {
  readonly message: string;
  readonly extensions: {
    readonly code: string;
    readonly outcome?: string | undefined;
    readonly [name: string]: unknown;
  };
}

/** Describes a failure, or masks any other error, which has the given outcome. `done` is what the answer would not show otherwise. */
function toShown(
  error: unknown,
  { requestId }: RequestRecord,
  outcome: 'UNKNOWN' | undefined,
  done: DoneWrites,
): Shown {
  if (!(error instanceof TaskFailure)) {
    const extensions = { code: 'INTERNAL_SERVER_ERROR', outcome, ...done, retryable: false, requestId };
    return { message: 'Unexpected error.', extensions };
  }
  const { message, code, errorCode, errorReason, retryable } = error;
  return {
    message,
    extensions: { code, outcome: error.outcome, errorCode, errorReason, retryable, requestId, ...done },
  };
}

/** The error of a failure that a resolver threw. */
function failedError(
  at: GraphQLError,
  cause: unknown,
  request: FailedRequest,
  outcome: 'UNKNOWN' | undefined,
  done: DoneWrites,
): GraphQLError {
  const shown = toShown(cause, request.record, outcome, done);
  logFailure(cause, request);
  noteFailure(request.record, shown.extensions.code, shown.extensions.outcome ?? null);
  return toError(at, shown);
}

/** The error of a value that did not fit into the answer. For a mutation it has no outcome: the mutation ran. */
function tooLargeError(error: GraphQLError, record: RequestRecord, isMutation: boolean): GraphQLError {
  const { requestId } = record;
  const outcome = isMutation ? undefined : 'NOT_SENT';
  if (outcome) noteFailure(record, 'ANSWER_TOO_LARGE', outcome);
  const extensions = { code: 'ANSWER_TOO_LARGE', outcome, retryable: false, requestId };
  return toError(error, { message: error.message, extensions });
}

/** An error of GraphQL's own: nothing was sent for it. */
function refusedError(error: GraphQLError, record: RequestRecord, status: { readonly http?: object } = {}) {
  const { originalError: _, http: __, code = 'BAD_USER_INPUT', ...others } = error.extensions;
  const extensions = { code: String(code), ...others, outcome: 'NOT_SENT', retryable: false };
  noteFailure(record, extensions.code, extensions.outcome);
  return toError(error, {
    message: toSafeMessage(error),
    extensions: { ...extensions, requestId: record.requestId, ...status },
  });
}

/** Returns an error at the place of another one. */
function toError(at: GraphQLError, { message, extensions }: Shown): GraphQLError {
  const { nodes = null, source = null, positions = null, path = null } = at;
  return new GraphQLError(shortenMessage(message), { nodes, source, positions, path, extensions });
}

/** Returns the error that a resolver threw, or the error itself if it is GraphQL's own. */
function toCause(error: Error): Error {
  return error instanceof GraphQLError && error.originalError ? toCause(error.originalError) : error;
}

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
  const message = `${last.message} (and ${omitted} more errors)`;
  return [...errors.slice(0, -1), toError(last, { message, extensions: last.extensions as Shown['extensions'] })];
}

/** The words for a value that is not quoted. */
const HIDDEN = '[hidden]';

/** A document that adds a client, or tries to. graphql-js quotes a bad value, and a client's secret is one. */
const ADDS_CLIENT = /createClient/i;

/** The token, character or escape that a syntax error quotes. The kind of a token is kept. */
const QUOTED_SYNTAX =
  /(?<=\b(?:Name|String|BlockString|Int|Float) )".*"|(?<=\b(?:character|sequence|got|0|String): ).*(?=\.$)/s;

/** The words before the value in any other message. */
const BEFORE_VALUE = /^.*?(?:\bgot (?:invalid value )?|\bhas invalid value |\bfound |\bvalue: |\bValue )/s;

/** The words after the value of a variable: its path, and a reason without another value or up to that value. */
const AFTER_VALUE =
  /(?: at "[\w.[\]]+")?; (?:(?:Field|Expected|Exactly) (?:[\w -]|"[\w![\]]+")+\.(?: Did you mean [\w ,"]+\?)?$|\w+ cannot represent [\w -]+: (?=.))/s;

/** Returns the message of an error of GraphQL's own. It quotes no value if the document of the error adds a client. */
function toSafeMessage({ message, source }: GraphQLError): string {
  if (!source || !ADDS_CLIENT.test(source.body)) return message;
  if (message.startsWith('Syntax Error: ')) return message.replace(QUOTED_SYNTAX, HIDDEN);
  const [before] = BEFORE_VALUE.exec(message) ?? [];
  if (before === undefined) return message;
  const [after = ''] = AFTER_VALUE.exec(message.slice(before.length)) ?? [];
  return before + HIDDEN + (after.endsWith(': ') ? `${after}${HIDDEN}.` : after || '.');
}
