import { type AccountTask, type CreatedAccountTask, type ReadProblem, readAccountTask } from './account-task.ts';
import { TaskFailure, type FailureEvidence, type FailureKind } from './failure.ts';
import { isJsonObject, type JsonObject, type JsonValue, jsonMember } from './json-value.ts';

/** The body of an answer as parsed by wire/codec.ts. JSON and XML of the same meaning give the same tree. */
export type AnswerBody =
  | { readonly kind: 'tree'; readonly tree: JsonValue }
  | { readonly kind: 'empty' }
  | ({ readonly kind: 'unreadable' } & ReadProblem);

/** The content of an answer, before its status is considered. */
type Reading =
  | { readonly kind: 'envelope'; readonly error: EnvelopeError | null; readonly created: Created | ReadProblem }
  /** An error message of ASP.NET Web API 2, the framework behind the contract: `{ "Message": "…" }`. */
  | { readonly kind: 'message' }
  | ({ readonly kind: 'unreadable' } & ReadProblem);

interface EnvelopeError {
  readonly ErrorCode: string | null;
  readonly ErrorReason: string | null;
}
type Created = Omit<CreatedAccountTask, 'replayed'>;

/**
 * The meaning of an answer of the service to a create, as a truth table:
 *
 * | status           | body                                   | meaning                               |
 * |------------------|----------------------------------------|---------------------------------------|
 * | 2xx              | Error set, with or without Detail      | TASK_REJECTED, REJECTED               |
 * | 2xx              | Error blank, Detail complete           | the created task                      |
 * | 2xx              | anything else                          | UPSTREAM_UNREADABLE, UNKNOWN          |
 * | 401 / 403        | any                                    | UNAUTHENTICATED / FORBIDDEN, REJECTED |
 * | 429              | any                                    | OVERLOADED, REJECTED                  |
 * | 408 / 499        | Error set                              | TASK_REJECTED, REJECTED               |
 * | 408 / 499        | anything else                          | UPSTREAM_UNREADABLE, UNKNOWN          |
 * | other 4xx        | any, even empty or truncated           | TASK_REJECTED, REJECTED               |
 * | 5xx              | any                                    | UPSTREAM_FAILED, UNKNOWN              |
 * | anything else    | any                                    | UPSTREAM_UNREADABLE, UNKNOWN          |
 *
 * A 4xx means that the request was not carried out (RFC 9110 §15.5). 408 and 499 are exceptions: a proxy sends them when it
 * stops waiting, and the service may still have created the task.
 * A blank Error is null, absent, empty, or contains only blank strings. A Detail is complete if `readAccountTask` accepts it.
 * Source: the contract documents the envelope but not which statuses mean success or refusal; the table is this project's choice.
 * @param sentTaskId The TaskID of the request, used if the Detail of the created task has none.
 * @throws TaskFailure for every row except the created task.
 */
export function interpretAnswer(status: number, body: AnswerBody, sentTaskId: string): CreatedAccountTask {
  const reading = readAnswer(body, sentTaskId);
  const error = reading.kind === 'envelope' ? reading.error : null;
  const fail = (kind: FailureKind, message: string, cause?: Error): never => {
    const evidence: FailureEvidence = {
      ...(error && { errorCode: error.ErrorCode, errorReason: error.ErrorReason }),
      ...(cause && { cause }),
    };
    const reason = error?.ErrorReason?.trim() ? error.ErrorReason : message;
    throw new TaskFailure(kind, reason, evidence);
  };
  if (status >= 500)
    return fail(
      { code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' },
      `The service failed (HTTP ${status}); the task may have been created.`,
    );
  if (status === 401)
    return fail({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, 'The service did not accept the credentials.');
  if (status === 403)
    return fail(
      { code: 'FORBIDDEN', outcome: 'REJECTED' },
      'The service does not allow this caller to create the task.',
    );
  if (status === 429)
    return fail({ code: 'OVERLOADED', outcome: 'REJECTED' }, 'The service refused the task because it is busy.');
  const isSuccess = status >= 200 && status < 300;
  if (error && (isSuccess || status >= 400))
    return fail(
      { code: 'TASK_REJECTED', outcome: 'REJECTED' },
      `The service refused the task${error.ErrorCode?.trim() ? ` (${error.ErrorCode})` : ''}.`,
    );
  if (isRefusal(status))
    return fail(
      { code: 'TASK_REJECTED', outcome: 'REJECTED' },
      `The service refused the request (HTTP ${status}).`,
      (status === 404 || status === 405) && isForeignBody(body) ? wrongUrlHint(status) : undefined,
    );
  if (isSuccess && reading.kind === 'envelope' && 'accountTask' in reading.created)
    return { ...reading.created, replayed: false };
  const { at, problem } = toProblem(reading);
  const isRedirect = status >= 300 && status < 400;
  return fail(
    { code: 'UPSTREAM_UNREADABLE', outcome: 'UNKNOWN' },
    isRedirect
      ? `The service answered with a redirect (HTTP ${status}), which is not followed. The task may have been created.`
      : `The service's answer (HTTP ${status}) cannot be read: ${at} ${problem}. The task may have been created.`,
  );
}

/** True if the status alone means that the request was not carried out, whatever the body contains. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 499;
}

/** True for a body that is neither the envelope nor an error message of ASP.NET Web API 2: another server may have answered. */
export function isForeignBody(body: AnswerBody): boolean {
  return readAnswer(body, '').kind === 'unreadable';
}

/** A hint for the log. */
function wrongUrlHint(status: number): Error {
  return new Error(
    `UPSTREAM_URL is probably wrong: the body of the HTTP ${status} answer is neither the envelope nor a message of ASP.NET Web API 2`,
  );
}

function toProblem(reading: Reading): ReadProblem {
  if (reading.kind === 'unreadable') return reading;
  if (reading.kind === 'envelope' && 'at' in reading.created) return reading.created;
  return {
    at: 'the answer',
    problem: reading.kind === 'message' ? 'is an error message of ASP.NET Web API 2' : 'does not fit its status',
  };
}

function readAnswer(body: AnswerBody, sentTaskId: string): Reading {
  if (body.kind === 'unreadable') return body;
  if (body.kind === 'empty') return unreadable('the answer', 'is empty');
  const { tree } = body;
  if (!isJsonObject(tree)) return unreadable('the answer', 'is not an object');
  const error = jsonMember(tree, 'Error');
  const data = jsonMember(tree, 'ResponseData');
  if (error === undefined && data === undefined) {
    return typeof jsonMember(tree, 'Message') === 'string'
      ? { kind: 'message' }
      : unreadable('the answer', 'contains neither Error nor ResponseData');
  }
  const envelopeError = readError(error);
  if (envelopeError && 'at' in envelopeError) return { kind: 'unreadable', ...envelopeError };
  return { kind: 'envelope', error: envelopeError, created: readResponseData(data, sentTaskId) };
}

/** The envelope's Error; null if it is blank. */
function readError(value: JsonValue | undefined): EnvelopeError | ReadProblem | null {
  if (isAbsent(value)) return null;
  if (!isJsonObject(value)) return { at: 'Error', problem: 'is not an object' };
  const ErrorCode = readText(value, 'ErrorCode', 'Error');
  const ErrorReason = readText(value, 'ErrorReason', 'Error');
  if (typeof ErrorCode === 'object' && ErrorCode) return ErrorCode;
  if (typeof ErrorReason === 'object' && ErrorReason) return ErrorReason;
  return ErrorCode?.trim() || ErrorReason?.trim() ? { ErrorCode, ErrorReason } : null;
}

function readResponseData(value: JsonValue | undefined, sentTaskId: string): Created | ReadProblem {
  if (isAbsent(value)) return { at: 'ResponseData', problem: 'is missing' };
  if (!isJsonObject(value)) return { at: 'ResponseData', problem: 'is not an object' };
  const detail = jsonMember(value, 'Detail');
  if (isAbsent(detail)) return { at: 'ResponseData.Detail', problem: 'is missing' };
  if (!isJsonObject(detail)) return { at: 'ResponseData.Detail', problem: 'is not an object' };
  const accountTask: AccountTask | ReadProblem = readAccountTask(withTaskId(detail, sentTaskId), 'ResponseData.Detail');
  if ('at' in accountTask) return accountTask;
  const Result = readText(value, 'Result', 'ResponseData');
  if (typeof Result === 'object' && Result) return Result;
  const Identification = readIdentification(jsonMember(value, 'Identification'));
  if (Identification && 'at' in Identification) return Identification;
  return { accountTask, Identification, Result };
}

/** The Detail, completed with the TaskID that was sent if the service left it out. */
function withTaskId(detail: JsonObject, sentTaskId: string): JsonObject {
  return isAbsent(jsonMember(detail, 'TaskID')) ? { ...detail, TaskID: sentTaskId } : detail;
}

function readIdentification(value: JsonValue | undefined): CreatedAccountTask['Identification'] | ReadProblem {
  if (isAbsent(value)) return null;
  if (!isJsonObject(value)) return { at: 'ResponseData.Identification', problem: 'is not an object' };
  const UserId = readText(value, 'UserId', 'ResponseData.Identification');
  return typeof UserId === 'object' && UserId ? UserId : { UserId };
}

function readText(object: JsonObject, name: string, at: string): string | null | ReadProblem {
  const value = jsonMember(object, name) ?? null;
  return value === null || typeof value === 'string' ? value : { at: `${at}.${name}`, problem: 'is not text' };
}

/** True for a missing value. An XML element without content is read as the blank text between its tags. */
function isAbsent(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

function unreadable(at: string, problem: string): Reading {
  return { kind: 'unreadable', at, problem };
}
