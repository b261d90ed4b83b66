import type { Backend } from '../../src/app/backend.ts';
import type { Environment } from '../../src/app/config.ts';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../src/contract/json-value.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { startGateway } from '../support/running-gateway.ts';

const DETAIL = {
  ...SAMPLE_DETAIL,
  Frequency: 'FORTNIGHTLY',
  Notification: 'EMAIL',
  ...(parseJsonKeepingDigits('{"Cost":1.0}') as JsonObject),
};

/** Gives the same answer to the same request every time. The Parameters of a create select its failure. */
function deterministicBackend(): Backend {
  const task = readAccountTask(DETAIL, 'Detail') as AccountTask;
  return {
    batchConcurrency: 4,
    issueToken: null,
    authenticate: async (authorization) => {
      if (authorization === 'Bearer bad')
        throw new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, 'Who?');
      return { kind: 'forwarded', authorization: authorization ?? '' };
    },
    tasks: {
      create: async ({ Parameters }) => {
        if (Parameters === '"reject"')
          throw new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.', {
            errorCode: 'E',
            errorReason: 'No.',
          });
        if (Parameters === '"defect"') throw new Error('a defect');
        return { accountTask: task, Identification: { UserId: 'u' }, Result: null, replayed: false };
      },
      find: async (ids) => ids.map((id) => (id === task.ID ? task : null)),
      list: async ({ first }) => ({ tasks: [task, task].slice(0, first), hasNextPage: true }),
      checks: {},
      close: async () => {},
    },
  };
}

export interface LaneRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface LaneAnswers {
  readonly expected: object;
  readonly first: object;
  readonly second: object;
}

/** Two gateways that differ in the fast lane only. */
export interface LanePair {
  /** The lane learns from the first answer, so it gives the second one if it can handle the request. */
  readonly answersTo: (request: LaneRequest) => Promise<LaneAnswers>;
  /** The number of answers by the fast lane, in the gateway with and without one. */
  readonly fastAnswers: () => Promise<{ readonly fast: number; readonly slow: number }>;
  readonly close: () => Promise<void>;
}

export async function startLanePair(settings: Environment = {}): Promise<LanePair> {
  const env = {
    CORS_ORIGINS: 'https://app.example',
    INTROSPECTION: 'on',
    GRAPHIQL: 'off',
    LOG_LEVEL: 'silent',
    ...settings,
  };
  const fast = await startGateway(deterministicBackend, { mode: 'serve', env });
  const slow = await startGateway(deterministicBackend, { mode: 'serve', env: { ...env, FAST_LANE: 'off' } });
  return {
    answersTo: async (request) => ({
      expected: await answerOf(slow.url, request),
      first: await answerOf(fast.url, request),
      second: await answerOf(fast.url, request),
    }),
    fastAnswers: async () => ({ fast: await countFastAnswers(fast.url), slow: await countFastAnswers(slow.url) }),
    async close() {
      await Promise.all([fast.close(), slow.close()]);
    },
  };
}

/** The answer without its Date header. The request's id is fixed. */
async function answerOf(url: URL, { method = 'POST', path = 'graphql', headers = {}, body }: LaneRequest) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { 'content-type': 'application/json', 'x-request-id': 'same', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const { date: _, ...others } = Object.fromEntries(response.headers);
  return { status: response.status, headers: others, body: await response.text() };
}

async function countFastAnswers(url: URL): Promise<number> {
  const text = await (await fetch(new URL('metrics', url))).text();
  return Number(/^gateway_fast_answers_total (\d+)$/m.exec(text)?.[1]);
}

export const post = (body: object, headers: Record<string, string> = {}): LaneRequest => ({
  body: JSON.stringify(body),
  headers,
});
