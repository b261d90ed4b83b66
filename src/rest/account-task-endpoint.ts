import type { NewAccountTask } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import { badInput, TaskFailure, toLogMessage } from '../contract/failure.ts';
import { characterNotInXml } from '../contract/parameters.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Caller, TaskService } from '../contract/task-service.ts';
import type { Log } from '../telemetry/log.ts';
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
  type RestAnswer,
} from './rest-answer.ts';
import { type AnswerStyle, formatOf, negotiate, type ReadHeader } from './negotiation.ts';

/** A request below /api/. */
interface RestRequest {
  readonly method: string;
  /** The path and query. */
  readonly url: string;
  readonly header: ReadHeader;
  /** The value of each Idempotency-Key header. */
  readonly idempotencyKeys: readonly string[];
  /** True if the headers announce a body, which may still be empty. */
  readonly hasBody: boolean;
  /** Resolves with null if the body is larger than the endpoint accepts. */
  readonly readBody: () => Promise<Uint8Array | null>;
  readonly requestId: string;
  /** Called if the request fails. */
  readonly noteFailure?: (code: string, outcome: string) => void;
}

/** Answers every request; rejects only if `readBody` does. */
export type RestEndpoint = (request: RestRequest) => Promise<RestAnswer>;

export interface RestEndpointOptions {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly tables: EnumTables;
  readonly maxBodyBytes: number;
  /** Called if a request is refused for the number or length of its form fields. */
  readonly onRefused: (limit: 'form_fields') => void;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

const PATH = /^\/api\/v2\/admin\/tasks\/account\/?(?:\?|$)/i;

/** Creates the endpoint POST /api/v2/admin/tasks/account, which answers as the contract's framework, ASP.NET Web API 2, does. */
export function createRestEndpoint(options: RestEndpointOptions): RestEndpoint {
  return async (request) => {
    const style = negotiate(request.header);
    const failed = (error: unknown): RestAnswer => toFailureAnswer(error, request, style, options);
    const admitted = await admit(request, style, options).catch(failed);
    if ('status' in admitted) return admitted;
    const body = await request.readBody();
    return create(request, { ...admitted, body }, style, options).catch(failed);
  };
}

/** A request whose headers have passed all checks. */
interface Admitted {
  readonly caller: Caller;
  readonly format: RequestFormat;
}

/** Makes every check that does not need the body. */
async function admit(
  request: RestRequest,
  style: AnswerStyle,
  { authenticate }: RestEndpointOptions,
): Promise<Admitted | RestAnswer> {
  const problem = routeProblem(request, style);
  if (problem) return problem;
  const caller = await authenticate(request.header('authorization'));
  if (!request.hasBody) throw missingTask();
  const contentType = parseMediaType(request.header('content-type'));
  const format = contentType && formatOf(contentType);
  return format ? { caller, format } : unsupported(contentType?.name ?? null, style);
}

function routeProblem({ method, url, header }: RestRequest, style: AnswerStyle): RestAnswer | null {
  if (!PATH.test(url)) {
    const uri = `http://${header('host') ?? 'localhost'}${url}`;
    return webApiAnswer(404, `No HTTP resource was found that matches the request URI '${uri}'.`, style);
  }
  if (method === 'POST') return null;
  return webApiAnswer(405, `The requested resource does not support http method '${method}'.`, style, {
    headers: { Allow: 'POST' },
  });
}

async function create(
  { idempotencyKeys, requestId }: RestRequest,
  { caller, format, body }: Admitted & { readonly body: Uint8Array | null },
  style: AnswerStyle,
  options: RestEndpointOptions,
): Promise<RestAnswer> {
  const { tasks, maxBodyBytes } = options;
  if (body === null) {
    return webApiAnswer(413, `The request's body is larger than ${maxBodyBytes} bytes.`, style);
  }
  const task = readTask(body, format, style, options);
  if ('status' in task) return task;
  const character = style.format === 'xml' ? characterNotInXml(task.Parameters) : null;
  if (character) {
    throw badInput('Parameters', `contains ${character}, which XML 1.0 cannot carry; accept application/json instead`);
  }
  const idempotencyKey = readIdempotencyKey(idempotencyKeys);
  const created = await tasks.create(task, { caller, requestId, idempotencyKey });
  return createdAnswer(created, style);
}

/** Reads the task from a body. Returns the answer if Web API 2's model binding refuses it; throws what the endpoint itself refuses. */
function readTask(
  body: Uint8Array,
  format: RequestFormat,
  style: AnswerStyle,
  { tables, onRefused }: RestEndpointOptions,
): NewAccountTask | RestAnswer {
  if (body.length === 0) throw missingTask();
  const reading = readRequest(format, body, tables);
  if (reading.kind === 'task') return reading.task;
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

function invalid(modelState: ModelState, style: AnswerStyle): RestAnswer {
  return webApiAnswer(400, 'The request is invalid.', style, { modelState });
}

function unsupported(mediaType: string | null, style: AnswerStyle): RestAnswer {
  const message =
    mediaType === null
      ? 'The request contains an entity body but no Content-Type header. ' +
        "The inferred media type 'application/octet-stream' is not supported for this resource."
      : `The request entity's media type '${mediaType}' is not supported for this resource.`;
  return webApiAnswer(415, message, style);
}

function toFailureAnswer(
  error: unknown,
  { requestId, noteFailure }: RestRequest,
  style: AnswerStyle,
  { log }: RestEndpointOptions,
): RestAnswer {
  if (!(error instanceof TaskFailure)) {
    log.error({ requestId, err: error }, 'unexpected error');
    noteFailure?.('INTERNAL_SERVER_ERROR', 'UNKNOWN');
    return webApiAnswer(500, HIDDEN, style);
  }
  const { code, outcome, cause } = error;
  log.warn({ requestId, code, outcome, err: cause }, toLogMessage(error));
  noteFailure?.(code, outcome);
  if (code !== 'UNAUTHENTICATED') return failureAnswer(error, style);
  return webApiAnswer(401, 'Authorization has been denied for this request.', style, {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

const NAME = 'Idempotency-Key';
const NOT_IN_A_KEY = /[^\x20-\x7e]/;

/** Returns the idempotency key in the headers; null if absent. Throws BAD_USER_INPUT for two, or for one that is not ASCII. */
function readIdempotencyKey(values: readonly string[]): string | null {
  const [key, ...others] = values;
  if (key === undefined) return null;
  // HTTP would join them to one key that the caller did not send.
  if (others.length > 0) throw badInput(NAME, 'is sent more than once');
  // The encoding of other bytes is unknown; decoded wrongly, they could be the key of another create.
  if (NOT_IN_A_KEY.test(key)) throw badInput(NAME, 'contains a character that is not printable ASCII');
  return key;
}
