import type { ReadProblem } from './account-task.ts';
import { type FailureEvidence, type FailureKind, type SoleOutcomeCode, TaskFailure } from './failure.ts';
import { isAbsent, isJsonObject, type JsonObject, type JsonValue, jsonMember } from './json-value.ts';
import type { AnswerContent, Operation } from './operations.ts';
import type { WriteInput, WriteName, WriteResult } from './task-service.ts';

/** The body of an answer as parsed by wire/codec.ts. JSON and XML of the same meaning give the same tree. */
export type AnswerBody =
  | { readonly kind: 'tree'; readonly tree: JsonValue }
  | { readonly kind: 'empty' }
  | ({ readonly kind: 'unreadable' } & ReadProblem);

/** The content of an answer, before its status is considered. */
type Reading =
  | { readonly kind: 'envelope'; readonly error: EnvelopeError | null; readonly data: JsonValue | undefined }
  /** An error message of ASP.NET Web API 2, the framework behind the contract: `{ "Message": "…" }`. */
  | { readonly kind: 'message' }
  | ({ readonly kind: 'unreadable' } & ReadProblem);

interface EnvelopeError {
  readonly ErrorCode: string | null;
  readonly ErrorReason: string | null;
}

/**
 * The meaning of an answer of the service to a write, as a truth table:
 *
 * | status           | body                                   | meaning                               |
 * |------------------|----------------------------------------|---------------------------------------|
 * | 2xx              | Error set, with or without Detail      | TASK_REJECTED, REJECTED               |
 * | 2xx              | Error blank, Detail complete           | the result                            |
 * | 2xx              | anything else                          | UPSTREAM_UNREADABLE, UNKNOWN          |
 * | 401 / 403        | any                                    | UNAUTHENTICATED / FORBIDDEN, REJECTED |
 * | 404              | envelope or message, of update and run | ACCOUNT_TASK_NOT_FOUND, REJECTED      |
 * | 429              | any                                    | OVERLOADED, REJECTED                  |
 * | 408 / 499        | Error set                              | TASK_REJECTED, REJECTED               |
 * | 408 / 499        | anything else                          | UPSTREAM_UNREADABLE, UNKNOWN          |
 * | other 4xx        | any, even empty or truncated           | TASK_REJECTED, REJECTED               |
 * | 5xx              | any                                    | UPSTREAM_FAILED, UNKNOWN              |
 * | anything else    | any                                    | UPSTREAM_UNREADABLE, UNKNOWN          |
 *
 * A 4xx means that the request was not carried out (RFC 9110 §15.5). 408 and 499 are exceptions: a proxy sends them when it
 * stops waiting, and the service may still have done it.
 * A blank Error is null, absent, empty, or contains only blank strings. `Operation.read` decides what a complete Detail is: an
 * update's may also be blank or absent, and a run's does not matter.
 * Source: the contract documents the envelope but not which statuses mean success or refusal; the table is this project's choice.
 * @throws TaskFailure for every row except the result.
 */
export function interpretAnswer<Name extends WriteName>(
  operation: Operation<Name>,
  status: number,
  body: AnswerBody,
  input: WriteInput<Name>,
): WriteResult<Name> {
  const reading = readAnswer(body);
  const said = reading.kind === 'envelope' ? reading.error : null;
  const error = said && withoutSecret(said, operation.secretOf?.(input) ?? null);
  const { action, subject, unknownFate } = operation;
  const fail = (kind: FailureKind | SoleOutcomeCode, message: string, cause?: Error): never => {
    const evidence: FailureEvidence = {
      ...(error && { errorCode: error.ErrorCode, errorReason: error.ErrorReason }),
      ...(cause && { cause }),
    };
    const reason = error?.ErrorReason?.trim() ? error.ErrorReason : message;
    throw new TaskFailure(kind, reason, evidence);
  };
  if (status >= 500) return fail('UPSTREAM_FAILED', `The service failed (HTTP ${status}); ${unknownFate}.`);
  if (status === 401)
    return fail({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, 'The service did not accept the credentials.');
  if (status === 403)
    return fail({ code: 'FORBIDDEN', outcome: 'REJECTED' }, `The service does not allow this caller to ${action}.`);
  if (status === 404 && reading.kind !== 'unreadable' && operation.path.includes('{id}'))
    return fail('ACCOUNT_TASK_NOT_FOUND', 'The service knows no account task with this ID.');
  if (status === 429)
    return fail({ code: 'OVERLOADED', outcome: 'REJECTED' }, `The service refused ${subject} because it is busy.`);
  const isSuccess = status >= 200 && status < 300;
  if (error && (isSuccess || status >= 400))
    return fail(
      'TASK_REJECTED',
      `The service refused ${subject}${error.ErrorCode?.trim() ? ` (${error.ErrorCode})` : ''}.`,
    );
  if (isRefusal(status))
    return fail(
      'TASK_REJECTED',
      `The service refused the request (HTTP ${status}).`,
      (status === 404 || status === 405) && reading.kind === 'unreadable' ? wrongUrlHint(status) : undefined,
    );
  const result = isSuccess && reading.kind === 'envelope' ? readResult(operation, reading.data, input) : null;
  if (result && !('at' in result)) return result;
  const { at, problem } = result ?? toProblem(reading);
  const isRedirect = status >= 300 && status < 400;
  return fail(
    'UPSTREAM_UNREADABLE',
    isRedirect
      ? `The service answered with a redirect (HTTP ${status}), which is not followed; ${unknownFate}.`
      : `The service's answer (HTTP ${status}) cannot be read: ${at} ${problem}; ${unknownFate}.`,
  );
}

/** True if the status alone means that the request was not carried out, whatever the body contains. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 499;
}

/** True for a body that is neither the envelope nor an error message of ASP.NET Web API 2: another server may have answered. */
export function isForeignBody(body: AnswerBody): boolean {
  return readAnswer(body).kind === 'unreadable';
}

/** A hint for the log. */
function wrongUrlHint(status: number): Error {
  return new Error(
    `UPSTREAM_URL is probably wrong: the body of the HTTP ${status} answer is neither the envelope nor a message of ASP.NET Web API 2`,
  );
}

function toProblem(reading: Reading): ReadProblem {
  if (reading.kind === 'unreadable') return reading;
  return {
    at: 'the answer',
    problem: reading.kind === 'message' ? 'is an error message of ASP.NET Web API 2' : 'does not fit its status',
  };
}

function readAnswer(body: AnswerBody): Reading {
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
  return { kind: 'envelope', error: envelopeError, data };
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

function readResult<Name extends WriteName>(
  operation: Operation<Name>,
  data: JsonValue | undefined,
  input: WriteInput<Name>,
): WriteResult<Name> | ReadProblem {
  if (isAbsent(data)) return { at: 'ResponseData', problem: 'is missing' };
  if (!isJsonObject(data)) return { at: 'ResponseData', problem: 'is not an object' };
  const Result = readText(data, 'Result', 'ResponseData');
  if (typeof Result === 'object' && Result) return Result;
  const Identification = readIdentification(jsonMember(data, 'Identification'));
  if (Identification && 'at' in Identification) return Identification;
  return operation.read({ Identification, Result, detail: jsonMember(data, 'Detail') }, input);
}

function readIdentification(value: JsonValue | undefined): AnswerContent['Identification'] | ReadProblem {
  if (isAbsent(value)) return null;
  if (!isJsonObject(value)) return { at: 'ResponseData.Identification', problem: 'is not an object' };
  const UserId = readText(value, 'UserId', 'ResponseData.Identification');
  return typeof UserId === 'object' && UserId ? UserId : { UserId };
}

function readText(object: JsonObject, name: string, at: string): string | null | ReadProblem {
  const value = jsonMember(object, name) ?? null;
  return value === null || typeof value === 'string' ? value : { at: `${at}.${name}`, problem: 'is not text' };
}

/** Withholds the texts that repeat a secret, or six of its characters in a row; the service may shorten or encode it. */
function withoutSecret({ ErrorCode, ErrorReason }: EnvelopeError, secret: string | null): EnvelopeError {
  const show = (text: string | null): string | null =>
    secret !== null && text !== null && toReadings(text).some((reading) => repeats(reading, secret)) ? null : text;
  return { ErrorCode: show(ErrorCode), ErrorReason: show(ErrorReason) };
}

/** Returns a text as it is, without percent-encoding, and with its words decoded from base64. */
function toReadings(text: string): readonly string[] {
  const plain = text.replace(/(?:%[\da-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString());
  const words = plain.match(/[\w+/-]{2,}/g) ?? [];
  // The base64 may follow other characters that are also of its alphabet.
  const decoded = words.flatMap((word) => [0, 1, 2, 3].map((at) => Buffer.from(word.slice(at), 'base64').toString()));
  return [text, plain, plain.replaceAll('+', ' '), ...decoded];
}

function repeats(text: string, secret: string): boolean {
  const [said, kept] = [text.toLowerCase(), secret.toLowerCase()];
  const length = Math.min(kept.length, 6);
  for (let at = 0; at + length <= kept.length; at += 1) if (said.includes(kept.slice(at, at + length))) return true;
  return false;
}

function unreadable(at: string, problem: string): Reading {
  return { kind: 'unreadable', at, problem };
}
