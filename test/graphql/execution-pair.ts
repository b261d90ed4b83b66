import type { Backend } from '../../src/app/gateway.ts';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { WriteOutcome } from '../../src/contract/task-service.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../src/contract/json-value.ts';
import { planOperation } from '../../src/graphql/compiled/plan.ts';
import { runOperation } from '../../src/graphql/compiled/run.ts';
import { createGatewayContext, type GatewayContext } from '../../src/schema/context.ts';
import { createGraphqlEndpoint } from '../../src/graphql/graphql-endpoint.ts';
import { UnreadAnswers } from '../../src/schema/answer-budget.ts';
import { findOperation } from '../../src/graphql/document-check.ts';
import { readJsonParameters, type RequestHead } from '../../src/graphql/request-check.ts';
import { findRoute } from '../../src/http/request-handler.ts';
import type { TrustedDocuments } from '../../src/graphql/trusted-documents.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestObservation } from '../../src/telemetry/request-record.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { execute, parse, validate } from 'graphql';
import { partialTaskService } from '../support/partial-task-service.ts';

const DETAIL = {
  ...SAMPLE_DETAIL,
  Frequency: 'FORTNIGHTLY',
  Notification: 'EMAIL',
  ...(parseJsonKeepingDigits('{"Cost":1.0}') as JsonObject),
};

function endAs(text: string): void {
  if (text === '"reject"')
    throw new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.', {
      errorCode: 'E',
      errorReason: 'No.',
    });
  if (text === '"defect"') throw new Error('a defect');
}

/** Gives the same answer to the same request every time. The Parameters, the name or the ID of a write select its failure. */
function deterministicBackend(): Backend {
  const task = readAccountTask(DETAIL, 'Detail') as AccountTask;
  const common = {
    operation: 'CREATE_ACCOUNT_TASK',
    firstTriedAt: '2026-02-22T04:10:00.000Z',
    expiresAt: '2026-02-23T04:10:00.000Z',
    requestId: 'r',
    settledBy: null,
  } as const;
  const failure = new TaskFailure({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Late.');
  const outcomes: Readonly<Record<string, WriteOutcome>> = {
    1: { ...common, state: 'SUCCEEDED', accountTask: task, failure: null },
    '"reject"': { ...common, state: 'UNKNOWN', accountTask: null, failure },
    '"defect"': { ...common, operation: 'RUN_ACCOUNT_TASK', state: 'UNKNOWN', accountTask: null, failure },
  };
  const envelope = { Identification: { UserId: 'u' }, Result: null };
  return {
    batchConcurrency: 4,
    issueToken: null,
    authenticate: async (authorization) => {
      if (authorization === 'Bearer bad')
        throw new TaskFailure({ code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' }, 'Who?');
      return { kind: 'forwarded', authorization: authorization ?? '' };
    },
    tasks: partialTaskService({
      create: async ({ Parameters }) => {
        endAs(Parameters);
        return { accountTask: task, ...envelope, replayed: false };
      },
      update: async ({ task: { Parameters }, enabled }) => {
        endAs(Parameters);
        return { accountTask: enabled ? task : null, ...envelope };
      },
      run: async ({ id }) => {
        endAs(id === task.ID ? '' : '"reject"');
        return { ...envelope, replayed: true };
      },
      createClient: async ({ Name, UserID, Secret }) => {
        endAs(Name);
        return { ID: UserID, Name, Secret, detail: {} };
      },
      find: async (ids) => ids.map((id) => (id === task.ID ? task : null)),
      list: async ({ first }) => ({ tasks: [task, task].slice(0, first), hasNextPage: true }),
      findOutcome: async (key) => outcomes[key] ?? null,
    }),
  };
}

export const PAIR_SCHEMA = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

export interface PlainPost {
  readonly body: string;
  readonly authorization: string;
  readonly answerType: RequestHead['answerType'];
}

export const post = (parameters: unknown, facts: Partial<PlainPost> = {}): PlainPost => ({
  body: typeof parameters === 'string' ? parameters : JSON.stringify(parameters),
  authorization: 'Bearer a',
  answerType: 'application/json',
  ...facts,
});

/** An answer, and what the record, the log and the metrics say of its request. */
export interface ObservedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly record: object;
  readonly limits: readonly string[];
  readonly log: readonly unknown[];
}

const sorted = (items: readonly unknown[]): readonly string[] => items.map((item) => JSON.stringify(item)).toSorted();

/**
 * Returns an answer without the order of its errors. Fields that fail at the same time report their errors in the order in which
 * an executor waits for them, which GraphQL leaves open; so the first failure, which the record keeps, may be another one, too.
 */
export function inAnyOrder(answer: ObservedAnswer): object {
  const { errors = [], data } = JSON.parse(answer.text) as { errors?: { message: string }[]; data?: unknown };
  if (errors.length < 2) return answer;
  const { status, headers, limits } = answer;
  // Of many errors, an answer and the log have the first ones.
  const isCut = errors.some(({ message }) => message.endsWith('more errors)'));
  return isCut
    ? { status, headers, limits, data, errors: errors.length, lines: answer.log.length }
    : { status, headers, limits, data, errors: sorted(errors), lines: sorted(answer.log) };
}

export interface PairAnswers {
  /** The answer of Yoga's own executor. */
  readonly expected: ObservedAnswer;
  readonly first: ObservedAnswer;
  readonly second: ObservedAnswer;
}

export interface ExecutionPair {
  /** Answers a request by Yoga, then twice as a plain JSON POST: with a new document and with a known one. */
  answersTo(request: PlainPost): Promise<PairAnswers>;
  /** Runs the plan of a request and graphql-js, both without HTTP. Errors are only counted as some or none: see `inAnyOrder`. */
  dataOf(request: PlainPost): Promise<{ readonly compiled: object; readonly byGraphqlJs: object } | null>;
  /** Returns true if the operation of a request has a plan that accepts its variables, so that Yoga does not run it. */
  isCompiled(request: PlainPost): boolean;
}

/** Creates two endpoints in this process; one gets requests in a media type that only Yoga reads. */
export function createExecutionPair(trusted: TrustedDocuments | null = null): ExecutionPair {
  const compiled = createAsk(trusted);
  const reference = createAsk(trusted);
  return {
    answersTo: async (request) => ({
      expected: await reference('application/graphql+json', request),
      first: await compiled('application/json', request),
      second: await compiled('application/json', request),
    }),
    async dataOf(request) {
      const planned = planOf(request);
      if (!planned) return null;
      const { plan, document, operationName, variableValues } = planned;
      const variables = plan.coerceVariables(variableValues);
      if (!variables) return null;
      const run = { schema: PAIR_SCHEMA, plan, contextValue: createContext(request), variables, errors: [] };
      const running = runOperation(run, (data, errors) => toFacts(data, errors.length));
      const contextValue = createContext(request);
      const args = { schema: PAIR_SCHEMA, document, operationName, variableValues, contextValue };
      const { data, errors = [] } = await execute(args);
      return { compiled: await running, byGraphqlJs: toFacts(JSON.stringify(data), errors.length) };
    },
    isCompiled(request) {
      const planned = planOf(request);
      return planned !== null && planned.plan.coerceVariables(planned.variableValues) !== null;
    },
  };

  function planOf({ body }: PlainPost) {
    try {
      const parameters = readJsonParameters(body, trusted);
      const operationName = parameters.operationName ?? undefined;
      const document = parse(parameters.query);
      const isValid = validate(PAIR_SCHEMA, document).length === 0;
      const plan = isValid ? planOperation(PAIR_SCHEMA, document, findOperation(document, operationName)) : null;
      return plan && { plan, document, operationName, variableValues: parameters.variables ?? {} };
    } catch {
      return null;
    }
  }
}

const toFacts = (data: string, errors: number): object => ({ data, hasErrors: errors > 0 });

function createContext({ authorization }: PlainPost): GatewayContext {
  const { tasks, authenticate, batchConcurrency } = deterministicBackend();
  return createGatewayContext({
    requestId: 'same',
    tasks,
    authenticate: () => authenticate(authorization),
    deadlineMs: Number.POSITIVE_INFINITY,
    batchConcurrency,
    answer: new UnreadAnswers({
      maxAnswerBytes: 1e6,
      maxPendingAnswerBytes: 1e7,
      onRefused: () => undefined,
      exclusiveTurn: async () => undefined,
    }).open(),
    logFailure: () => undefined,
  });
}

function createAsk(trusted: TrustedDocuments | null) {
  const metrics = createMetrics();
  const lines: unknown[] = [];
  const limits: string[] = [];
  const onRefused = (limit: string): undefined => void limits.push(limit);
  const note = (facts: object, sentence: string): void => void lines.push([facts, sentence]);
  const endpoint = createGraphqlEndpoint({
    ...deterministicBackend(),
    schema: PAIR_SCHEMA,
    log: { debug: note, info: note, warn: note, error: note },
    metrics: { ...metrics, countRefusal: onRefused },
    timeoutMs: 60_000,
    answers: new UnreadAnswers({
      maxAnswerBytes: 1_000_000,
      maxPendingAnswerBytes: 1e12,
      onRefused,
      exclusiveTurn: async () => undefined,
    }),
    introspection: true,
    trusted,
  });
  const observation = createRequestObservation({ metrics: metrics.requests, requestLog: () => {}, tracing: null });
  return async (bodyType: string, { body, authorization, answerType }: PlainPost): Promise<ObservedAnswer> => {
    const request = { method: 'POST', url: '/graphql', headers: { authorization } };
    const record = observation.begin(request, findRoute('/graphql'), 'same');
    const answer = await endpoint.answer(request, { bodyType, answerType }, Buffer.from(body), record);
    const { operationName, operationType, code, outcome, failuresLogged, failuresLeftOut } = record;
    return {
      ...answer,
      record: { operationName, operationType, code, outcome, failuresLogged, failuresLeftOut },
      limits: limits.splice(0),
      log: lines.splice(0),
    };
  };
}
