import type { NewAccountTask } from '../contract/account-task.ts';
import type { BeginStep } from '../contract/call-steps.ts';
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
  frameworkAnswer,
  type RestAnswer,
} from './rest-answer.ts';
import { type AnswerStyle, formatOf, negotiate, type ReadHeader } from './negotiation.ts';

/** A request below /api/. */
export interface RestRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly header: ReadHeader;
  /** The value of each Idempotency-Key header. */
  readonly idempotencyKeys: readonly string[];
  /** True where the headers announce a body, which may turn out to be empty. */
  readonly hasBody: boolean;
  /** Null where the body is larger than the endpoint takes. */
  readonly readBody: () => Promise<Uint8Array | null>;
  readonly requestId: string;
  /** Told of what is done for the request; absent: nobody wants to know. */
  readonly beginStep?: BeginStep;
  /** Told how the request failed, where it did. */
  readonly noteFailure?: (code: string, outcome: string) => void;
}

/** Answers every request; it rejects only where `readBody` does. */
export type RestEndpoint = (request: RestRequest) => Promise<RestAnswer>;

export interface RestEndpointOptions {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly tables: EnumTables;
  readonly maxBodyBytes: number;
  /** Called where a request is refused for the number or length of its form fields. */
  readonly onRefused: (limit: 'form_fields') => void;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

const PATH = /^\/api\/v2\/admin\/tasks\/account\/?(?:\?|$)/i;

/** POST /api/v2/admin/tasks/account as the contract's framework serves it, over a task service. */
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

/** A request whose headers are as they must be. */
interface Admitted {
  readonly caller: Caller;
  readonly format: RequestFormat;
}

/** Decides all that can be decided before the body is read. */
async function admit(
  request: RestRequest,
  style: AnswerStyle,
  { authenticate }: RestEndpointOptions,
): Promise<Admitted | RestAnswer> {
  const problem = routeProblem(request, style);
  if (problem) return problem;
  const caller = await authenticate(request.header('authorization'));
  if (!request.hasBody) throw noTask();
  const contentType = parseMediaType(request.header('content-type'));
  const format = contentType && formatOf(contentType);
  return format ? { caller, format } : unsupported(contentType?.name ?? null, style);
}

function routeProblem({ method, url, header }: RestRequest, style: AnswerStyle): RestAnswer | null {
  if (!PATH.test(url)) {
    const uri = `http://${header('host') ?? 'localhost'}${url}`;
    return frameworkAnswer(404, `No HTTP resource was found that matches the request URI '${uri}'.`, style);
  }
  if (method === 'POST') return null;
  return frameworkAnswer(405, `The requested resource does not support http method '${method}'.`, style, {
    headers: { Allow: 'POST' },
  });
}

async function create(
  { idempotencyKeys, requestId, beginStep }: RestRequest,
  { caller, format, body }: Admitted & { readonly body: Uint8Array | null },
  style: AnswerStyle,
  options: RestEndpointOptions,
): Promise<RestAnswer> {
  const { tasks, maxBodyBytes } = options;
  if (body === null) {
    return frameworkAnswer(413, `The request's body is larger than ${maxBodyBytes} bytes.`, style);
  }
  const task = readTask(body, format, style, options);
  if ('status' in task) return task;
  const character = style.format === 'xml' ? characterNotInXml(task.Parameters) : null;
  if (character) {
    throw badInput('Parameters', `holds ${character}, which XML 1.0 cannot carry; accept application/json`);
  }
  const idempotencyKey = readIdempotencyKey(idempotencyKeys);
  const created = await tasks.create(task, { caller, requestId, beginStep, idempotencyKey });
  return createdAnswer(created, style);
}

/** The task a body asks for, or the framework's refusal; throws what the action refuses. */
function readTask(
  body: Uint8Array,
  format: RequestFormat,
  style: AnswerStyle,
  { tables, onRefused }: RestEndpointOptions,
): NewAccountTask | RestAnswer {
  if (body.length === 0) throw noTask();
  const reading = readRequest(format, body, tables);
  if (reading.kind === 'task') return reading.task;
  if (reading.kind === 'empty') throw noTask();
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

function noTask(): TaskFailure {
  return badInput('the request', 'holds no AccountTaskRequest');
}

function invalid(modelState: ModelState, style: AnswerStyle): RestAnswer {
  return frameworkAnswer(400, 'The request is invalid.', style, { modelState });
}

function unsupported(mediaType: string | null, style: AnswerStyle): RestAnswer {
  const message =
    mediaType === null
      ? 'The request contains an entity body but no Content-Type header. ' +
        "The inferred media type 'application/octet-stream' is not supported for this resource."
      : `The request entity's media type '${mediaType}' is not supported for this resource.`;
  return frameworkAnswer(415, message, style);
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
    return frameworkAnswer(500, HIDDEN, style);
  }
  const { code, outcome, cause } = error;
  log.warn({ requestId, code, outcome, err: cause }, toLogMessage(error));
  noteFailure?.(code, outcome);
  if (code !== 'UNAUTHENTICATED') return failureAnswer(error, style);
  return frameworkAnswer(401, 'Authorization has been denied for this request.', style, {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

const NAME = 'Idempotency-Key';
const NOT_IN_A_KEY = /[^\x20-\x7e]/;

/** The key that a request's Idempotency-Key headers give; null where it has none. Throws BAD_USER_INPUT for two, or one that is not ASCII. */
function readIdempotencyKey(values: readonly string[]): string | null {
  const [key, ...others] = values;
  if (key === undefined) return null;
  // HTTP would have them read as one key that nobody sent.
  if (others.length > 0) throw badInput(NAME, 'is there more than once');
  // What encoding the bytes are in is not said; read in another they are the key of another create.
  if (NOT_IN_A_KEY.test(key)) throw badInput(NAME, 'holds a character that is not printable ASCII');
  return key;
}
