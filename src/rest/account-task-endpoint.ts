import type { NewAccountTask } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import { badInput, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { characterNotInXml } from '../contract/parameters.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Caller, TaskService } from '../contract/task-service.ts';
import type { Answer, Handler, HttpRequest } from '../http/answer.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import { readRequest, type RequestFormat } from '../wire/codec.ts';
import { parseMediaType } from '../wire/media-type.ts';
import {
  HIDDEN,
  type ModelState,
  toModelState,
  UNREADABLE,
  createdAnswer,
  failureAnswer,
  webApiAnswer,
} from './rest-answer.ts';
import { type AnswerStyle, formatOf, negotiate, type ReadHeader } from './negotiation.ts';

export interface RestEndpointOptions {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly tables: EnumTables;
  readonly maxBodyBytes: number;
  /** Called if a request is refused for its size, or for the number or length of its form fields. */
  readonly onRefused: (limit: 'body_bytes' | 'form_fields') => void;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

const PATH = /^\/api\/v2\/admin\/tasks\/account\/?(?:\?|$)/i;

/** Creates the endpoint POST /api/v2/admin/tasks/account, which answers as the contract's framework, ASP.NET Web API 2, does. */
export function createRestEndpoint(options: RestEndpointOptions): Handler {
  return async (request, record) => {
    if (request.method === 'POST') record.operationType = 'mutation';
    const header: ReadHeader = (name) => request.headers[name]?.toString() ?? null;
    const style = negotiate(header);
    const failed = (error: unknown): Answer => toFailureAnswer(error, record, style, options);
    const admitted = await admit(request, header, style, options).catch(failed);
    if ('status' in admitted) return admitted;
    const body = await request.readBody(options.maxBodyBytes);
    return create(request, record, { ...admitted, body }, style, options).catch(failed);
  };
}

/** A request whose headers have passed all checks. */
interface Admitted {
  readonly caller: Caller;
  readonly format: RequestFormat;
}

/** Makes every check that does not need the body. */
async function admit(
  request: HttpRequest,
  header: ReadHeader,
  style: AnswerStyle,
  { authenticate }: RestEndpointOptions,
): Promise<Admitted | Answer> {
  const problem = routeProblem(request, style);
  if (problem) return problem;
  const caller = await authenticate(header('authorization'));
  if (!announcesBody(request)) throw missingTask();
  const contentType = parseMediaType(header('content-type'));
  const format = contentType && formatOf(contentType);
  return format ? { caller, format } : unsupported(contentType?.name ?? null, style);
}

/** Returns true if the headers announce a body, which may still be empty. */
function announcesBody({ headers }: HttpRequest): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

function routeProblem({ method, url, headers }: HttpRequest, style: AnswerStyle): Answer | null {
  if (!PATH.test(url)) {
    const uri = `http://${headers.host ?? 'localhost'}${url}`;
    return webApiAnswer(404, `No HTTP resource was found that matches the request URI '${uri}'.`, style);
  }
  if (method === 'POST') return null;
  return webApiAnswer(405, `The requested resource does not support http method '${method}'.`, style, {
    headers: { Allow: 'POST' },
  });
}

async function create(
  { rawHeaders }: HttpRequest,
  { requestId }: RequestRecord,
  { caller, format, body }: Admitted & { readonly body: Uint8Array | null },
  style: AnswerStyle,
  options: RestEndpointOptions,
): Promise<Answer> {
  const { tasks, maxBodyBytes, onRefused } = options;
  if (body === null) {
    onRefused('body_bytes');
    return webApiAnswer(413, `The request's body is larger than ${maxBodyBytes} bytes.`, style);
  }
  const task = readTask(body, format, style, options);
  if ('status' in task) return task;
  const character = style.format === 'xml' ? characterNotInXml(task.Parameters) : null;
  if (character) {
    throw badInput('Parameters', `contains ${character}, which XML 1.0 cannot carry; accept application/json instead`);
  }
  const idempotencyKey = readIdempotencyKey(rawHeaders);
  const created = await tasks.create(task, { caller, requestId, idempotencyKey });
  return createdAnswer(created, style);
}

/** Reads the task from a body. Returns the answer if Web API 2's model binding refuses it; throws what the endpoint itself refuses. */
function readTask(
  body: Uint8Array,
  format: RequestFormat,
  style: AnswerStyle,
  { tables, onRefused }: RestEndpointOptions,
): NewAccountTask | Answer {
  if (body.length === 0) throw missingTask();
  const reading = readRequest(format, body, tables);
  if (reading.kind === 'body') return reading.body as NewAccountTask;
  if (reading.kind === 'empty') throw missingTask();
  if (reading.kind === 'unreadable') return invalid(UNREADABLE, style);
  if (reading.kind === 'excessive') {
    onRefused('form_fields');
    throw badInput('the request', reading.problem);
  }
  const { problems } = reading;
  const modelState = toModelState(format, problems);
  if (modelState) return invalid(modelState, style);
  const reasons = problems.map(({ at, problem }) => `${at}: ${problem}`);
  throw new TaskFailure({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, reasons.join('; '));
}

function missingTask(): TaskFailure {
  return badInput('the request', 'contains no AccountTaskRequest');
}

function invalid(modelState: ModelState, style: AnswerStyle): Answer {
  return webApiAnswer(400, 'The request is invalid.', style, { modelState });
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
  if (code !== 'UNAUTHENTICATED') return failureAnswer(error, style);
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
