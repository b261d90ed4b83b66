import { type ExecutionResult, GraphQLError, getOperationAST, type DocumentNode, OperationTypeNode } from 'graphql';
import { shortenMessage, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { type AnswerBudget, AnswerTooLargeError } from '../schema/answer-budget.ts';
import type { CreatedBefore, UncertainWrite } from '../schema/context.ts';
import { limitErrors, withOmittedCount, takeLogLine } from './limits/error-limit.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';

const MASKED_MESSAGE = 'Unexpected error.';

interface MaskedFacts {
  readonly outcome?: string;
  readonly created?: readonly CreatedBefore[];
}

export interface FailedRequest {
  readonly requestId: string;
  readonly log: Log;
  /** The tasks that were created, which leave no other trace in an answer without data. */
  readonly created?: readonly CreatedBefore[];
  /** The tasks that may have been created, likewise. */
  readonly uncertain?: readonly UncertainWrite[];
  /** Where the error is noted; absent: nowhere. */
  readonly record?: RequestRecord | undefined;
}

/** What a failure is called in a GraphQL answer: design's `extensions`, in one place. */
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

/** Known failures are logged as what they say, with their cause; all others in full, for they are masked. */
export function logFailure(error: unknown, { requestId, log, record }: FailedRequest): void {
  if (!takeLogLine(error, record)) return;
  if (error instanceof TaskFailure) {
    const { code, outcome, cause } = error;
    log.warn({ requestId, code, outcome, err: cause }, toLogMessage(error));
  } else {
    log.error({ requestId, err: error }, 'unexpected error');
  }
}

/**
 * The answer to a request that never ran: nothing was sent, and the status is 400 or more. With application/json only a request
 * that is no GraphQL at all has such a status. Of an unexpected error nobody can say when it struck: the answer has the `data`
 * of an operation that ran, and status 200.
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

/** @param status `http` is Yoga's own: the status of the answer, which an application/json answer with `spec` set does not take. */
function refusedError(
  error: GraphQLError,
  { requestId, record }: FailedRequest,
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
    requestId,
    ...status,
  });
}

/** The errors of an operation, and that of the values that its answer holds only a part of. */
export function withShortDetails(errors: readonly GraphQLError[], answer: AnswerBudget): readonly GraphQLError[] {
  const error = answer.shortDetailsError;
  return error ? [new GraphQLError(error.message, { originalError: error }), ...errors] : errors;
}

/** The errors of an operation that ran. A masked failure of a mutation may have struck after the task was created. */
export function executionErrors(
  result: ExecutionResult,
  document: DocumentNode,
  operationName: string | undefined,
  request: FailedRequest,
): GraphQLError[] {
  const isMutation = getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION;
  const isLost = result.data === null;
  const created = isLost && request.created?.length ? { created: request.created } : {};
  const uncertain = isLost ? (request.uncertain ?? []).map((write) => uncertainError(write, request, created)) : [];
  const errors = result.errors ?? [];
  // A field of the mutation itself, or the last error of all, which took the data away.
  const isOfWrite = ({ path = [] }: GraphQLError, index: number): boolean =>
    isMutation && (path.length <= 1 || (isLost && index === errors.length - 1));
  const kept = limitErrors(errors, request.record, isOfWrite);
  const named = kept.map((error) => {
    if (error.originalError instanceof AnswerTooLargeError) return tooLargeError(error, request, isMutation);
    const failure = findFailure(error);
    if (failure) {
      logFailure(failure, request);
      noteFailure(request.record, failure.code, failure.outcome);
      return toError(error, failure.message, { ...toExtensions(failure, request.requestId), ...created });
    }
    if (isUnexpected(error))
      return maskedError(error, request, { ...(isMutation ? { outcome: 'UNKNOWN' } : {}), ...created });
    return refusedError(error, request);
  });
  return withOmittedCount([...uncertain, ...named], errors.length - kept.length);
}

/** A failure that would have been data; it is logged and noted already. */
function uncertainError(
  { path, error }: UncertainWrite,
  { requestId }: FailedRequest,
  created: { readonly created?: readonly CreatedBefore[] },
): GraphQLError {
  const at = new GraphQLError('', { path });
  return error instanceof TaskFailure
    ? toError(at, error.message, { ...toExtensions(error, requestId), ...created })
    : toError(at, MASKED_MESSAGE, toMaskedExtensions(requestId, { outcome: 'UNKNOWN', ...created }));
}

function toMaskedExtensions(requestId: string, facts: MaskedFacts): Record<string, unknown> {
  return { code: 'INTERNAL_SERVER_ERROR', ...facts, retryable: false, requestId };
}

/** A mutation has run: without an outcome nobody takes this for one that has not. */
function tooLargeError(error: GraphQLError, { requestId, record }: FailedRequest, isMutation: boolean): GraphQLError {
  if (!isMutation) noteFailure(record, 'ANSWER_TOO_LARGE', 'NOT_SENT');
  const outcome = isMutation ? {} : { outcome: 'NOT_SENT' };
  return toError(error, error.message, { code: 'ANSWER_TOO_LARGE', ...outcome, retryable: false, requestId });
}

function maskedError(error: GraphQLError, request: FailedRequest, facts: MaskedFacts): GraphQLError {
  const { requestId, record } = request;
  logFailure(error.originalError ?? error, request);
  noteFailure(record, 'INTERNAL_SERVER_ERROR', facts.outcome ?? null);
  return toError(error, MASKED_MESSAGE, toMaskedExtensions(requestId, facts));
}

function toError(error: GraphQLError, message: string, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(shortenMessage(message), {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions,
  });
}

function findFailure(error: Error | undefined): TaskFailure | null {
  if (error instanceof TaskFailure) return error;
  return error instanceof GraphQLError ? findFailure(error.originalError) : null;
}

/** True unless the error is GraphQL's own, all the way down. */
function isUnexpected(error: Error | undefined): boolean {
  if (!(error instanceof GraphQLError)) return true;
  return error.originalError != null && isUnexpected(error.originalError);
}
