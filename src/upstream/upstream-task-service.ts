import { unsupportedWrites } from '../contract/task-service.ts';
import type { EnumTables } from '../contract/enums.ts';
import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { unknownMembers, changedFields, findTaskIdMismatch } from './answer-content.ts';
import { type AnswerBody, interpretAnswer } from '../contract/envelope.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Call, Caller, TaskService } from '../contract/task-service.ts';
import { encodeRequest, mediaTypes, readAnswerBody, type WireFormat } from '../wire/codec.ts';
import { TOO_LONG_NAME, TOO_MANY_VALUES } from '../wire/json.ts';
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
  /** True if an answer must name the TaskID that was sent. */
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

/** Relative to the base address. */
export const CREATE_PATH = 'api/v2/admin/tasks/account';

const ACCEPT: Readonly<Record<WireFormat, string>> = {
  json: 'application/json, application/xml;q=0.5',
  xml: 'application/xml, application/json;q=0.5',
};

const SIZE_PROBLEMS: ReadonlySet<string> = new Set([TOO_MANY_VALUES, TOO_LONG_NAME]);

/**
 * The real service: each create is one POST of the REST contract. A create counts as in flight while it waits for its token.
 * `interpretAnswer` in contract/envelope.ts turns the answer into the created task or a failure.
 */
export function createUpstreamTaskService(options: UpstreamTaskServiceOptions): TaskService {
  const { client, format, tables, authorize = forwardedAuthorization, reauthorize, checksTaskId, observer } = options;
  const fixedHeaders = Object.entries(createHeaders(format)).flat();
  const post = (
    body: string,
    { caller, requestId, deadlineMs }: Call,
    Authorization: string,
  ): Promise<UpstreamAnswer> =>
    client.postAdmitted({
      caller: fairShareKey(caller),
      path: CREATE_PATH,
      fixedHeaders,
      headers: { Authorization, 'X-Request-Id': requestId },
      body,
      deadlineMs,
    });
  /** Sends with the gateway's own token, which may have to be fetched first. */
  const postWithToken = async (body: string, call: Call, token: Promise<string> | string): Promise<UpstreamAnswer> => {
    const authorization = await token;
    const answer = await post(body, call, authorization);
    if (answer.status !== 401 || !reauthorize) return answer;
    // May send the request again: with a 401 the service has created nothing. It is sent once more, with a renewed token.
    const another = await reauthorize(authorization, call);
    return another === null ? answer : post(body, call, another);
  };
  const send = (task: NewAccountTask, call: Call): Promise<UpstreamAnswer> => {
    try {
      const body = encodeRequest(format, task, tables);
      const authorization = authorize(call);
      const isFinal = typeof authorization === 'string' && !reauthorize;
      return isFinal ? post(body, call, authorization) : postWithToken(body, call, authorization);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const read = (answer: UpstreamAnswer, task: NewAccountTask): CreatedAccountTask => {
    const body = readAnswerBody(answer.body, answer.contentType);
    if (observer) observeBody(body, observer);
    const created = interpretAnswer(answer.status, body, task.TaskID);
    const mismatch = checksTaskId ? findTaskIdMismatch(task, created) : null;
    if (mismatch) {
      answer.connection?.destroy();
      throw mismatch;
    }
    if (observer) for (const field of changedFields(task, created)) observer.onChangedField(field);
    return created;
  };
  return {
    ...unsupportedWrites('The service cannot be asked to do this yet.'),
    create: (task, call) =>
      client.admit(fairShareKey(call.caller), () => send(task, call)).then((answer) => read(answer, task)),
    async find() {
      throw readsNotSupported();
    },
    async list() {
      throw readsNotSupported();
    },
    async findOutcome() {
      throw notSupported();
    },
    checks: { upstream: () => client.ready().then(() => 'ok') },
    close: () => client.close(),
  };
}

/** The headers that every create in this format has. */
export function createHeaders(format: WireFormat): Readonly<Record<string, string>> {
  return {
    'Content-Type': mediaTypes[format],
    Accept: ACCEPT[format],
    'Accept-Encoding': 'identity',
    'User-Agent': USER_AGENT,
  };
}

/** The key by which callers share slots and connections fairly. */
function fairShareKey(caller: Caller): string {
  if (caller.kind === 'forwarded') return caller.verified?.subject ?? caller.authorization;
  return caller.kind === 'subject' ? caller.subject : caller.accountId;
}

function observeBody(body: AnswerBody, observer: AnswerObserver): void {
  for (const path of unknownMembers(body)) observer.onUnknownMember(path);
  if (body.kind === 'unreadable' && SIZE_PROBLEMS.has(body.problem)) observer.onRefused('upstream_answer_values');
}

function forwardedAuthorization({ caller }: Call): string {
  if (caller.kind === 'forwarded' && caller.authorization !== '') return caller.authorization;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The service needs an Authorization header. Nothing was sent.',
  );
}

function notSupported(): TaskFailure {
  return new TaskFailure(
    { code: 'NOT_SUPPORTED', outcome: 'NOT_SENT' },
    'What became of an idempotencyKey cannot be told here, because this gateway keeps no records (RECORD=off).',
  );
}

function readsNotSupported(): TaskFailure {
  return new TaskFailure(
    { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    'Account tasks cannot be read here: this gateway forwards creates to a REST service that offers no reads. ' +
      'They can be read from a gateway that records its creates (RECORD=on) or stores the tasks itself (store mode).',
  );
}
