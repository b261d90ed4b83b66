import type { EnumTables } from '../contract/enums.ts';
import type { CreatedAccountTask, NewAccountTask } from '../contract/account-task.ts';
import { unknownMembers, changedFields, findTaskIdMismatch } from './answer-checks.ts';
import { type AnswerBody, interpretAnswer } from '../contract/envelope.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Call, Caller, TaskService } from '../contract/task-service.ts';
import { encodeRequest, mediaTypes, readAnswerBody, type WireFormat } from '../wire/codec.ts';
import { TOO_LONG_NAME, TOO_MANY_VALUES } from '../wire/value-count.ts';
import type { UpstreamClient } from './client.ts';
import type { UpstreamAnswer } from './exchange.ts';
import { USER_AGENT } from './request-headers.ts';

/** The Authorization header for a call; throws a TaskFailure when there is none. */
export type Authorize = (call: Call) => string | Promise<string>;

/** Another Authorization header after the service refused this one with a 401; null when there is no better one. */
export type Reauthorize = (refused: string, call: Call) => Promise<string | null>;

export interface UpstreamTaskServiceOptions {
  readonly client: UpstreamClient;
  /** How requests are written; answers are read in either format. */
  readonly format: WireFormat;
  readonly tables: EnumTables;
  /** Unset: the caller's own Authorization is passed on. */
  readonly authorize?: Authorize;
  /** Unset: a 401 is final. */
  readonly reauthorize?: Reauthorize;
  /** True where an answer must name the TaskID that was sent. */
  readonly checksTaskId: boolean;
  readonly observer?: AnswerObserver;
}

/** Is called for what is unusual about an answer. It never throws. */
export interface AnswerObserver {
  /** A member of an envelope that the contract does not name, by its path. */
  onUnknownMember(path: string): void;
  /** A field of a created task whose text is not the one that was sent. */
  onChangedField(field: string): void;
  /** An answer that was not read because of its size. */
  onRefused(limit: 'upstream_answer_values'): void;
}

/** Relative to the base address. */
export const CREATE_PATH = 'api/v2/admin/tasks/account';

const ACCEPT: Readonly<Record<WireFormat, string>> = {
  json: 'application/json, application/xml;q=0.5',
  xml: 'application/xml, application/json;q=0.5',
};

const SIZE_PROBLEMS: ReadonlySet<string> = new Set([TOO_MANY_VALUES, TOO_LONG_NAME]);

/** The real service: every create becomes one POST of the REST contract; waiting for its token, it is in flight already. */
export function createUpstreamTaskService(options: UpstreamTaskServiceOptions): TaskService {
  const { client, format, tables, authorize = forwardedAuthorization, reauthorize, checksTaskId, observer } = options;
  const fixedHeaders = Object.entries({
    'Content-Type': mediaTypes[format],
    Accept: ACCEPT[format],
    'Accept-Encoding': 'identity',
    'User-Agent': USER_AGENT,
  }).flat();
  const post = (
    body: string,
    { caller, requestId, untilMs, beginStep }: Call,
    Authorization: string,
  ): Promise<UpstreamAnswer> =>
    client.postAdmitted({
      caller: fairShareKey(caller),
      path: CREATE_PATH,
      fixedHeaders,
      headers: { Authorization, 'X-Request-Id': requestId },
      body,
      untilMs,
      beginStep,
    });
  /** With a token of the gateway's own, which may have to be fetched, and after a 401 another one. */
  const postWithToken = async (body: string, call: Call, token: Promise<string> | string): Promise<UpstreamAnswer> => {
    const authorization = await token;
    const answer = await post(body, call, authorization);
    if (answer.status !== 401 || !reauthorize) return answer;
    // A 401 created nothing, so with other credentials the task may be sent once more.
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
  const createAdmitted = (task: NewAccountTask, call: Call): Promise<CreatedAccountTask> => {
    const caller = fairShareKey(call.caller);
    return send(task, call).then(
      (answer) => {
        client.release(caller);
        return read(answer, task);
      },
      (error: unknown) => {
        client.release(caller);
        throw error;
      },
    );
  };
  return {
    create(task, call) {
      const admission = client.admit(fairShareKey(call.caller));
      if (admission === null) return createAdmitted(task, call);
      return Promise.resolve(admission).then((refusal) => {
        if (refusal) throw refusal;
        return createAdmitted(task, call);
      });
    },
    async find() {
      throw readsNotSupported();
    },
    async list() {
      throw readsNotSupported();
    },
    checks: { upstream: () => client.ready().then(() => 'ok') },
    close: () => client.close(),
  };
}

/** The name by which a caller has its share of what the service can take. */
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

function readsNotSupported(): TaskFailure {
  return new TaskFailure(
    { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    'Account tasks cannot be read here: this gateway passes creates on to a REST service whose contract has no read. ' +
      'A gateway that records what it creates (RECORD=on), or that keeps the tasks itself (store mode), can read them.',
  );
}
