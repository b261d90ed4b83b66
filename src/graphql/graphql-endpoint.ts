/**
 * Runs GraphQL operations. A plain JSON POST is read here and runs its compiled plan; yoga.ts answers every other request.
 * Whatever holds for both is here: the known documents, an operation's name in the record, its context, its time limit and the
 * shapes of its errors.
 */
import { defaultFieldResolver, GraphQLError, type GraphQLSchema } from 'graphql';
import type { Authenticate } from '../auth/authenticate.ts';
import { operationTimedOut, TaskFailure } from '../contract/failure.ts';
import { type Call, decorateWrites, type TaskService } from '../contract/task-service.ts';
import { createBoundedCache } from '../event-loop/bounded-cache.ts';
import { currentSteps, withSteps } from '../event-loop/request-steps.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';
import type { HttpRequest } from '../http/answer.ts';
import type { UnreadAnswers } from '../schema/answer-budget.ts';
import { createGatewayContext } from '../schema/context.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import { planOperation } from './compiled/plan.ts';
import { runOperation } from './compiled/run.ts';
import { createDocumentCheck, findOperation } from './document-check.ts';
import { executionErrors, logFailure } from './error-shapes.ts';
import { ANSWER_HEADERS, readJsonParameters, type RequestHead } from './request-check.ts';
import { createYogaAnswer, type GraphqlAnswer, type KnownDocument, type YogaOptions } from './yoga.ts';

export interface GraphqlEndpointOptions extends Pick<YogaOptions, 'schema' | 'trusted' | 'introspection' | 'log'> {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  /** The time limit of an operation: after it reads fail and no further write starts. */
  readonly timeoutMs: number;
  readonly answers: Pick<UnreadAnswers, 'open'>;
  /** The number of creates of one batch that may be in flight at once. */
  readonly batchConcurrency: number;
}

export interface GraphqlEndpoint {
  /** Answers a request whose head has been accepted and whose body has been read. */
  answer(
    request: Pick<HttpRequest, 'method' | 'url' | 'headers'>,
    head: RequestHead,
    body: Buffer,
    record: RequestRecord,
  ): Promise<GraphqlAnswer>;
}

/** A parsed and planned document takes many times the memory of its text. A text of more than a tenth of this is not kept. */
const DOCUMENT_BOUNDS = { maxEntries: 1_000, maxLength: 200_000 } as const;
/** The longest operation name in the log; in a document it may be as long as the document. */
const MAX_NAME_LENGTH = 100;

export function createGraphqlEndpoint(options: GraphqlEndpointOptions): GraphqlEndpoint {
  const { schema, log, metrics, authenticate, answers, batchConcurrency, introspection, timeoutMs, trusted } = options;
  const time = createOperationTime(() => metrics.countRefusal('operation_time'));
  const tasks = time.limit(options.tasks);
  const documents = createBoundedCache<KnownDocument>(DOCUMENT_BOUNDS);
  const checkDocument = createDocumentCheck({
    schema,
    isClosed: !introspection && !trusted,
    onRefused: (limit) => metrics.countRefusal(`document_${limit}`),
  });
  const findDocument = (text: string): KnownDocument => {
    const known = documents.get(text);
    if (known) return known;
    const checked = { document: checkDocument(text), plans: new Map() };
    documents.set(text, checked);
    return checked;
  };
  /** Returns the plan of an operation; null if it cannot be planned. @throws GraphQLError if there is no such operation. */
  const findPlan = ({ document, plans }: KnownDocument, operationName: string | undefined) => {
    const known = plans.get(operationName);
    if (known !== undefined) return known;
    // Only names in the document are kept; the others are the caller's to invent, and would fill the memory.
    const plan = planOperation(schema, document, findOperation(document, operationName));
    plans.set(operationName, plan);
    return plan;
  };
  const begin: YogaOptions['begin'] = ({ name, operation }, authorization, record) => {
    record.operationType = operation;
    record.operationName = name ? name.value.slice(0, MAX_NAME_LENGTH) : null;
    const deadlineMs = performance.now() + timeoutMs;
    const answer = answers.open();
    record.answer = answer;
    return createGatewayContext({
      requestId: record.requestId,
      deadlineMs,
      answer,
      tasks,
      batchConcurrency,
      authenticate() {
        const caller = authenticate(authorization);
        return caller instanceof Promise ? time.within(deadlineMs, caller) : caller;
      },
      logFailure: (error) => {
        logFailure(error, { log, record });
        if (error instanceof TaskFailure) noteFailure(record, error.code, error.outcome);
        else noteFailure(record, 'INTERNAL_SERVER_ERROR', 'UNKNOWN');
      },
    });
  };
  const shapeErrors: YogaOptions['shapeErrors'] = (fieldErrors, operation, context, record) => {
    const partial = context.answer.shortDetailsError;
    if (!partial && fieldErrors.length === 0) return fieldErrors;
    const errors = partial
      ? [new GraphQLError(partial.message, { originalError: partial }), ...fieldErrors]
      : fieldErrors;
    return executionErrors(errors, operation, context, { record, log });
  };
  const answerByYoga = createYogaAnswer({ ...options, findDocument, begin, shapeErrors });
  return {
    answer(request, head, body, record) {
      if (head.bodyType !== 'application/json')
        return answerByYoga(request, head, body, { record, known: null, refusal: null });
      let known: KnownDocument | null = null;
      let refusal: unknown = null;
      try {
        const { query, variables, operationName } = readJsonParameters(body.toString(), trusted);
        known = findDocument(query);
        const plan = findPlan(known, operationName ?? undefined);
        const values = plan?.coerceVariables(variables ?? {});
        if (plan && values) {
          const { operation, isMutation } = plan;
          const context = begin(operation, request.headers.authorization ?? null, record);
          return runOperation(
            { schema, plan, contextValue: context, variables: values, errors: [] },
            (data, failed) => {
              const errors = shapeErrors(failed, { isMutation, isLost: data === 'null' }, context, record);
              const text =
                errors.length === 0 ? `{"data":${data}}` : `{"errors":${JSON.stringify(errors)},"data":${data}}`;
              return { status: 200, headers: ANSWER_HEADERS[head.answerType], text };
            },
          );
        }
      } catch (error) {
        refusal = error;
      }
      return answerByYoga(request, head, body, { record, known, refusal });
    },
  };
}

/** The time limit of operations. Work that exceeds it fails with OVERLOADED, NOT_SENT. */
function createOperationTime(onOver: () => void) {
  const over = (): Error => {
    onOver();
    return operationTimedOut();
  };
  /** Rejects at the deadline unless the work has settled. Only for work without side effects, which continues unobserved. */
  const within = <Result>(deadlineMs: number, work: Promise<Result>): Promise<Result> =>
    withTimeLimit(work, deadlineMs - performance.now(), () => {
      throw over();
    });
  const read = <Result>(call: Call, work: () => Promise<Result>): Promise<Result> => {
    if (call.deadlineMs === undefined) return work();
    return isOver(call) ? Promise.reject(over()) : within(call.deadlineMs, work());
  };
  /** Decorates a task service: past the deadline reads fail and no write starts. A write that has started is never cut off. */
  const limit = (tasks: TaskService): TaskService => ({
    ...tasks,
    ...decorateWrites(tasks, (write) => (input, call) => (isOver(call) ? Promise.reject(over()) : write(input, call))),
    find: (...request) => read(request[1], () => tasks.find(...request)),
    list: (...request) => read(request[1], () => tasks.list(...request)),
    findOutcome: (...request) => read(request[1], () => tasks.findOutcome(...request)),
  });
  return { within, limit };
}

function isOver({ deadlineMs }: Call): boolean {
  return deadlineMs !== undefined && performance.now() >= deadlineMs;
}

/** Makes each mutation field a step of its request's trace; calls of its resolver are steps below it. */
export function traceFields(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context, info) => {
      const step = currentSteps()?.begin({ kind: 'field', name: field.name });
      if (!step) return resolve(source, args, context, info);
      try {
        const value: unknown = await withSteps(step, () => resolve(source, args, context, info));
        step.end({});
        return value;
      } catch (error) {
        step.end({ error });
        throw error;
      }
    };
  }
}
