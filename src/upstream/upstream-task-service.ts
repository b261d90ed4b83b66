import { randomBytes } from 'node:crypto';
import type { EnumTables } from '../contract/enums.ts';
import { type AnswerBody, interpretAnswer } from '../contract/envelope.ts';
import { badInput, notSupported, TaskFailure } from '../contract/failure.ts';
import { type AnswerModel, type Operation, OPERATIONS, pathOf } from '../contract/operations.ts';
import type {
  Call,
  Caller,
  TaskService,
  WriteCall,
  WriteInput,
  WriteName,
  WriteResult,
} from '../contract/task-service.ts';
import { encodeRequest, mediaTypes, readAnswerBody, type WireFormat } from '../wire/codec.ts';
import { TOO_LONG_NAME, TOO_MANY_VALUES } from '../wire/json.ts';
import { changedFields, findMismatch, type Sent, unknownMembers } from './answer-content.ts';
import { type UpstreamClient, USER_AGENT } from './client.ts';
import type { UpstreamAnswer } from './exchange.ts';

/** Returns the Authorization header for a call. @throws TaskFailure if there is no header to send. */
export type Authorize = (call: Call) => string | Promise<string>;

/** Returns another Authorization header after a 401 for the `refused` one; null if there is no better one. */
export type Reauthorize = (refused: string, call: Call) => Promise<string | null>;

export interface UpstreamTaskServiceOptions {
  readonly client: UpstreamClient;
  /** The format of requests; answers are read in either format. */
  readonly format: WireFormat;
  readonly tables: EnumTables;
  /** Unset: the caller's own Authorization is passed on. */
  readonly authorize?: Authorize;
  /** Unset: a 401 is final. */
  readonly reauthorize?: Reauthorize;
  /** True if an answer must name the TaskID, or the Name of the client, that was sent. */
  readonly checksTaskId: boolean;
  readonly observer?: AnswerObserver;
}

/** Called for anything unusual about an answer. It never throws. */
export interface AnswerObserver {
  /** An envelope has a member that is not in the contract; `path` is its path. */
  onUnknownMember(path: string): void;
  /** A field of a created task differs from the text that was sent. */
  onChangedField(field: string): void;
  /** An answer was not read because it has too many values. */
  onRefused(limit: 'upstream_answer_values'): void;
}

const ACCEPT: Readonly<Record<WireFormat, string>> = {
  json: 'application/json, application/xml;q=0.5',
  xml: 'application/xml, application/json;q=0.5',
};

const NO_READS =
  'Account tasks cannot be read here: this gateway forwards creates to a REST service that offers no reads. ' +
  'They can be read from a gateway that records its creates (RECORD=on) or stores the tasks itself (store mode).';
const NO_OUTCOMES =
  'What became of an idempotencyKey cannot be told here, because this gateway keeps no records (RECORD=off).';

const SIZE_PROBLEMS: ReadonlySet<string> = new Set([TOO_MANY_VALUES, TOO_LONG_NAME]);

/**
 * The real service: each write is one request of the REST contract. A write counts as in flight while it waits for its token.
 * `interpretAnswer` in contract/envelope.ts turns the answer into the result or a failure.
 */
export function createUpstreamTaskService(options: UpstreamTaskServiceOptions): TaskService {
  const { client } = options;
  const update = createWrite(OPERATIONS.update, options, ({ id, task }) => ({ ...task, ID: id }));
  const createClient = createWrite(OPERATIONS.createClient, options, ({ Name }) => ({ Name }));
  return {
    create: createWrite(OPERATIONS.create, options, (task) => task),
    update: (input, call) =>
      input.ifModified === null
        ? update(input, call)
        : Promise.reject(badInput('ifModified', 'is not accepted, because the service cannot check it')),
    run: createWrite(OPERATIONS.run, options),
    createClient: (order, call) => createClient({ ...order, Secret: order.Secret ?? createSecret() }, call),
    async find() {
      throw notSupported(NO_READS);
    },
    async list() {
      throw notSupported(NO_READS);
    },
    async findOutcome() {
      throw notSupported(NO_OUTCOMES);
    },
    checks: { upstream: () => client.ready().then(() => 'ok') },
    close: () => client.close(),
  };
}

/** Creates the method of a write. `toSent` returns what the answer should repeat. */
function createWrite<Name extends WriteName>(
  operation: Operation<Name>,
  options: UpstreamTaskServiceOptions,
  toSent?: (input: WriteInput<Name>) => Sent,
): (input: WriteInput<Name>, call: WriteCall) => Promise<WriteResult<Name>> {
  const { client, format, tables, authorize = forwardedAuthorization, reauthorize, checksTaskId, observer } = options;
  const { answer: model, body: bodyModel, unknownFate } = operation;
  const fixedHeaders = Object.entries(requestHeaders(operation, format)).flat();
  const send = (input: WriteInput<Name>, body: string | null, call: Call, Authorization: string) =>
    client.sendAdmitted({
      caller: fairShareKey(call.caller),
      operation,
      path: pathOf(operation, input),
      fixedHeaders,
      headers: { Authorization, 'X-Request-Id': call.requestId },
      body,
      deadlineMs: call.deadlineMs,
    });
  /** Sends with the gateway's own token, which may have to be fetched first. */
  const sendWithToken = async (
    input: WriteInput<Name>,
    body: string | null,
    call: Call,
    token: Promise<string> | string,
  ): Promise<UpstreamAnswer> => {
    const authorization = await token;
    const answer = await send(input, body, call, authorization);
    if (answer.status !== 401 || !reauthorize) return answer;
    try {
      // May send the request again: with a 401 the service has done nothing. It is sent once more, with a renewed token.
      const another = await reauthorize(authorization, call);
      return another === null ? answer : await send(input, body, call, another);
    } catch (error) {
      throw error instanceof TaskFailure && error.outcome === 'NOT_SENT' ? notSentAgain(error) : error;
    }
  };
  const authorizeAndSend = (input: WriteInput<Name>, call: Call): Promise<UpstreamAnswer> => {
    try {
      const body = bodyModel && encodeRequest(format, operation.toBody(input), tables, bodyModel);
      const authorization = authorize(call);
      const isFinal = typeof authorization === 'string' && !reauthorize;
      return isFinal ? send(input, body, call, authorization) : sendWithToken(input, body, call, authorization);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const read = (answer: UpstreamAnswer, input: WriteInput<Name>): WriteResult<Name> => {
    const body = readAnswerBody(answer.body, answer.contentType, model);
    if (observer) observeBody(body, model, observer);
    const result = interpretAnswer(operation, answer.status, body, input);
    const task = 'accountTask' in result ? result.accountTask : null;
    const shown = task ?? ('ID' in result ? result : null);
    if (!toSent || !shown) return result;
    const sent = toSent(input);
    const mismatch = checksTaskId ? findMismatch(sent, shown, unknownFate) : null;
    if (mismatch) {
      answer.connection?.destroy();
      throw mismatch;
    }
    if (observer && task) for (const field of changedFields(sent, task.fields)) observer.onChangedField(field);
    return result;
  };
  return (input, call) =>
    client.admit(fairShareKey(call.caller), () => authorizeAndSend(input, call)).then((answer) => read(answer, input));
}

/** The headers that every request of an operation has in this format. */
export function requestHeaders({ body }: Operation, format: WireFormat): Readonly<Record<string, string>> {
  return {
    ...(body && { 'Content-Type': mediaTypes[format] }),
    Accept: ACCEPT[format],
    'Accept-Encoding': 'identity',
    'User-Agent': USER_AGENT,
  };
}

/** Creates a client's secret: 256 random bits in 43 characters. */
function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The key by which callers share slots and connections fairly. */
function fairShareKey(caller: Caller): string {
  if (caller.kind === 'forwarded') return caller.verified?.subject ?? caller.authorization;
  return caller.kind === 'subject' ? caller.subject : caller.accountId;
}

/** The failure of a write that was answered with 401 and could not be sent once more. */
function notSentAgain(cause: TaskFailure): TaskFailure {
  if (cause.code === 'UNAUTHENTICATED')
    return new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'REJECTED' }, cause.message, { cause });
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'REJECTED' },
    "The service did not accept the gateway's token, and the request could not be sent with another one. Nothing was done.",
    { cause },
  );
}

function observeBody(body: AnswerBody, model: AnswerModel, observer: AnswerObserver): void {
  for (const path of unknownMembers(body, model)) observer.onUnknownMember(path);
  if (body.kind === 'unreadable' && SIZE_PROBLEMS.has(body.problem)) observer.onRefused('upstream_answer_values');
}

function forwardedAuthorization({ caller }: Call): string {
  if (caller.kind === 'forwarded' && caller.authorization !== '') return caller.authorization;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The service needs an Authorization header. Nothing was sent.',
  );
}
