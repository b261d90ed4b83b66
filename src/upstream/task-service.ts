import type { EnumTables } from '../contract/enums.ts';
import { unknownMembers } from '../contract/drift.ts';
import { interpretAnswer } from '../contract/envelope.ts';
import { TaskFailure } from '../contract/failure.ts';
import type { Call, TaskService } from '../contract/task-service.ts';
import { encodeRequest, mediaTypes, readAnswerBody, type WireFormat } from '../wire/codec.ts';
import type { UpstreamClient } from './client.ts';
import { USER_AGENT } from './user-agent.ts';

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
  /** Told of every member of an envelope that the contract does not name, by its path. */
  readonly onUnknownMember?: (path: string) => void;
}

/** Relative to the base address. */
export const CREATE_PATH = 'api/v2/admin/tasks/account';

const ACCEPT: Readonly<Record<WireFormat, string>> = {
  json: 'application/json, application/xml;q=0.5',
  xml: 'application/xml, application/json;q=0.5',
};

/** The real service: every create becomes one POST of the REST contract; waiting for its token, it is in flight already. */
export function createUpstreamTaskService(options: UpstreamTaskServiceOptions): TaskService {
  const { client, format, tables, authorize = forwardedAuthorization, reauthorize, onUnknownMember } = options;
  return {
    create: (task, call) =>
      client.admit(async () => {
        const authorization = authorize(call);
        const request = {
          path: CREATE_PATH,
          headers: {
            'Content-Type': mediaTypes[format],
            Accept: ACCEPT[format],
            'Accept-Encoding': 'identity',
            'User-Agent': USER_AGENT,
            Authorization: typeof authorization === 'string' ? authorization : await authorization,
            'X-Request-Id': call.requestId,
          },
          body: encodeRequest(format, task, tables),
          beginStep: call.beginStep,
        };
        let answer = await client.postAdmitted(request);
        if (answer.status === 401 && reauthorize) {
          // A 401 created nothing, so with other credentials the task may be sent once more.
          const Authorization = await reauthorize(request.headers.Authorization, call);
          if (Authorization !== null)
            answer = await client.postAdmitted({ ...request, headers: { ...request.headers, Authorization } });
        }
        const body = readAnswerBody(answer.body, answer.contentType);
        if (onUnknownMember) for (const path of unknownMembers(body)) onUnknownMember(path);
        return interpretAnswer(answer.status, body);
      }),
    async find() {
      throw unreadableContract();
    },
    async list() {
      throw unreadableContract();
    },
    checks: { upstream: () => client.ready().then(() => 'ok') },
    close: () => client.close(),
  };
}

function forwardedAuthorization({ caller }: Call): string {
  if (caller.kind === 'forwarded' && caller.authorization !== '') return caller.authorization;
  throw new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    'The service needs an Authorization header. Nothing was sent.',
  );
}

function unreadableContract(): TaskFailure {
  return new TaskFailure(
    { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
    'Account tasks cannot be read here: this gateway passes creates on to a REST service whose contract has no read. ' +
      'A gateway that records what it creates (RECORD=on), or that keeps the tasks itself (store mode), can read them.',
  );
}
