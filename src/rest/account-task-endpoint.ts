import type { CreatedAccountTask } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import { badInput, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { parseGuid, characterNotInXml } from '../contract/text-formats.ts';
import {
  type AnswerModel,
  type BodyModel,
  OPERATIONS,
  type Operation,
  type RequestBody,
} from '../contract/operations.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Caller, TaskService, WriteMethods, WriteName } from '../contract/task-service.ts';
import type { Answer, Handler, HttpRequest } from '../http/answer.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import { readRequest, type RequestFormat } from '../wire/codec.ts';
import { parseMediaType } from '../wire/media-type.ts';
import {
  type AnswerStyle,
  formatOf,
  HIDDEN,
  type ModelState,
  negotiate,
  type ReadHeader,
  toModelState,
  UNREADABLE,
  valueProblem,
  failureAnswer,
  successAnswer,
  webApiAnswer,
} from './rest-answer.ts';
import { findServed, SERVED } from './served-operations.ts';

export interface RestEndpointOptions {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly tables: EnumTables;
  readonly maxBodyBytes: number;
  /** Called if a request is refused for its size, or for the number or length of its form fields. */
  readonly onRefused: (limit: 'body_bytes' | 'form_fields') => void;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

/** Creates the endpoint of the contract's writes, which answers as the contract's framework, ASP.NET Web API 2, does. */
export function createRestEndpoint(options: RestEndpointOptions): Handler {
  return async (request, record) => {
    const header: ReadHeader = (name) => request.headers[name]?.toString() ?? null;
    const style = negotiate(header);
    const found = findServed(request.method, request.url);
    if ('allowed' in found) return routeProblem(request, found.allowed, style);
    record.operationType = 'mutation';
    const { answer: model, body: bodyModel } = OPERATIONS[found.name];
    const failed = (error: unknown): Answer => toFailureAnswer(error, record, model, style, options);
    const admitted = await admit(request, header, bodyModel, style, options).catch(failed);
    if ('status' in admitted) return admitted;
    const body = bodyModel && (await request.readBody(options.maxBodyBytes));
    return perform(found, request, record, { ...admitted, body }, style, options).catch(failed);
  };
}

/** A request whose headers have passed all checks. */
interface Admitted {
  readonly caller: Caller;
  /** Null for a write without a body. */
  readonly format: RequestFormat | null;
}

/** Makes every check that does not need the body. */
async function admit(
  request: HttpRequest,
  header: ReadHeader,
  model: BodyModel | null,
  style: AnswerStyle,
  { authenticate }: RestEndpointOptions,
): Promise<Admitted | Answer> {
  const caller = await authenticate(header('authorization'));
  if (!model) return { caller, format: null };
  if (!announcesBody(request)) throw missing(model);
  const contentType = parseMediaType(header('content-type'));
  const format = contentType && formatOf(contentType);
  return format ? { caller, format } : unsupported(contentType?.name ?? null, style);
}

/** Returns true if the headers announce a body, which may still be empty. */
function announcesBody({ headers }: HttpRequest): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

function routeProblem({ method, url, headers }: HttpRequest, allowed: readonly string[], style: AnswerStyle): Answer {
  if (allowed.length === 0) {
    const uri = `http://${headers.host ?? 'localhost'}${url}`;
    return webApiAnswer(404, `No HTTP resource was found that matches the request URI '${uri}'.`, style);
  }
  return webApiAnswer(405, `The requested resource does not support http method '${method}'.`, style, {
    headers: { Allow: allowed.join(', ') },
  });
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it ties the input and the result to their write
async function perform<Name extends WriteName>(
  { name, id: givenId }: { readonly name: Name; readonly id: string | null },
  { rawHeaders }: HttpRequest,
  { requestId }: RequestRecord,
  { caller, format, body }: Admitted & { readonly body: Uint8Array | null },
  style: AnswerStyle,
  options: RestEndpointOptions,
): Promise<Answer> {
  const { maxBodyBytes, onRefused } = options;
  const operation: Operation<Name> = OPERATIONS[name];
  const { toInput, toDetail } = SERVED[name];
  if (format && body === null) {
    onRefused('body_bytes');
    return webApiAnswer(413, `The request's body is larger than ${maxBodyBytes} bytes.`, style);
  }
  const id = givenId === null ? '' : parseGuid(givenId.trim());
  const idState: ModelState = id === null ? { id: [valueProblem(givenId ?? '', 'Guid')] } : {};
  const read = format && operation.body ? readModel(body ?? EMPTY, format, operation.body, options) : { body: {} };
  if (id === null || 'modelState' in read) {
    const modelState = { ...idState, ...('modelState' in read ? read.modelState : {}) };
    return webApiAnswer(400, 'The request is invalid.', style, { modelState });
  }
  if (style.format === 'xml') refuseCharactersNotInXml(read.body);
  const idempotencyKey = readIdempotencyKey(rawHeaders);
  if (idempotencyKey !== null && !operation.hasKey) throw badInput(NAME, 'is not supported by this operation');
  const methods: WriteMethods = options.tasks;
  const result = await methods[name](toInput(read.body, id), { caller, requestId, idempotencyKey });
  const { Identification = null, Result = null } = result as Partial<CreatedAccountTask>;
  return successAnswer({ Identification, Result, Detail: toDetail(result) }, operation.answer, style);
}

const EMPTY = new Uint8Array();

/** Reads a body. Returns the errors of Web API 2's model binding if it refuses it; throws what the endpoint itself refuses. */
function readModel(
  bytes: Uint8Array,
  format: RequestFormat,
  model: BodyModel,
  { tables, onRefused }: RestEndpointOptions,
): { readonly body: RequestBody } | { readonly modelState: ModelState } {
  const reading = readRequest(format, bytes, tables, model);
  if (reading.kind === 'body') return reading;
  if (reading.kind === 'empty') throw missing(model);
  if (reading.kind === 'unreadable') return { modelState: UNREADABLE };
  if (reading.kind === 'excessive') {
    onRefused('form_fields');
    throw badInput('the request', reading.problem);
  }
  const { problems } = reading;
  const modelState = toModelState(format, problems);
  if (modelState) return { modelState };
  const reasons = problems.map(({ at, problem }) => `${at}: ${problem}`);
  throw new TaskFailure('BAD_USER_INPUT', reasons.join('; '));
}

function refuseCharactersNotInXml(body: RequestBody): void {
  for (const [field, value] of Object.entries(body)) {
    const character = typeof value === 'string' ? characterNotInXml(value) : null;
    if (character)
      throw badInput(field, `contains ${character}, which XML 1.0 cannot carry; accept application/json instead`);
  }
}

function missing({ name }: BodyModel): TaskFailure {
  return badInput('the request', `contains no ${name}`);
}

function unsupported(mediaType: string | null, style: AnswerStyle): Answer {
  const message =
    mediaType === null
      ? 'The request contains an entity body but no Content-Type header. ' +
        "The inferred media type 'application/octet-stream' is not supported for this resource."
      : `The request entity's media type '${mediaType}' is not supported for this resource.`;
  return webApiAnswer(415, message, style);
}

function toFailureAnswer(
  error: unknown,
  record: RequestRecord,
  model: AnswerModel,
  style: AnswerStyle,
  { log }: RestEndpointOptions,
): Answer {
  const { requestId } = record;
  if (!(error instanceof TaskFailure)) {
    log.error({ requestId, err: error }, 'unexpected error');
    noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
    return webApiAnswer(500, HIDDEN, style);
  }
  const { code, outcome, cause } = error;
  log.warn({ requestId, code, outcome, err: cause }, toLogMessage(error));
  noteFailure(record, code, outcome);
  if (code !== 'UNAUTHENTICATED') return failureAnswer(error, model, style);
  return webApiAnswer(401, 'Authorization has been denied for this request.', style, {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

const NAME = 'Idempotency-Key';
const NOT_IN_A_KEY = /[^\x20-\x7e]/;

/** Returns the idempotency key in the headers; null if absent. Throws BAD_USER_INPUT for two, or for one that is not ASCII. */
function readIdempotencyKey(rawHeaders: readonly string[]): string | null {
  let key: string | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'idempotency-key') continue;
    // HTTP would join them to one key that the caller did not send.
    if (key !== null) throw badInput(NAME, 'is sent more than once');
    key = rawHeaders[index + 1] ?? '';
  }
  // The encoding of other bytes is unknown; decoded wrongly, they could be the key of another create.
  if (key !== null && NOT_IN_A_KEY.test(key)) throw badInput(NAME, 'contains a character that is not printable ASCII');
  return key;
}
