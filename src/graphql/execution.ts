/**
 * Runs the operations of accepted documents. Whatever holds for every operation is here: its name in the record, its context,
 * its time limit and the shapes of its errors. A plan writes the answer's text; Yoga's executor runs what only Yoga can answer.
 */
import {
  type ExecutionArgs,
  type ExecutionResult,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { createGatewayContext, type GatewayContext } from '../schema/context.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { UnreadAnswers } from './limits/unread-answers.ts';
import type { Log } from '../telemetry/log.ts';
import { noteFailure, type RequestRecord } from '../telemetry/request-record.ts';
import type { OperationPlan } from './compiled/plan.ts';
import { runOperation } from './compiled/run.ts';
import { executionErrors, logFailure, refusedResult } from './error-shapes.ts';
import { compileArgumentSizes } from './limits/argument-sizes.ts';
import { findOperation } from './document-check.ts';
import { findForbiddenNull } from './forbidden-null.ts';
import { ANSWER_HEADERS, type AnswerType } from './request-check.ts';
import { operationTimedOut, TaskFailure } from '../contract/failure.ts';
import { type Call, decorateWrites, type TaskService } from '../contract/task-service.ts';
import { withTimeLimit } from '../event-loop/time-limit.ts';

export interface ExecutionOptions {
  readonly schema: GraphQLSchema;
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The time limit of an operation: after it reads fail and no further write starts. */
  readonly timeoutMs: number;
  readonly answers: Pick<UnreadAnswers, 'open'>;
  /** The number of creates of one batch that may be in flight at once. */
  readonly batchConcurrency: number;
  /** False to leave "Did you mean" out of errors, too. */
  readonly introspection: boolean;
}

/** The answer to a GraphQL request. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** An executor that waits for all fields, also if an error nulls the whole answer: graphql-js would answer at once. */
export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;

export interface Execution {
  /**
   * Runs a planned operation and resolves with its answer; returns null, with nothing run, if an argument is
   * invalid or too large. Yoga then reports it.
   */
  run(
    plan: OperationPlan,
    variables: Readonly<Record<string, unknown>>,
    authorization: string | null,
    record: RequestRecord,
    answerType: AnswerType,
  ): Promise<GraphqlAnswer> | null;
  /** Runs an operation by Yoga's executor, for the requests that Yoga answers. */
  execute(
    args: ExecutionArgs,
    executeByYoga: Execute,
    authorization: string | null,
    record: RequestRecord,
  ): Promise<ExecutionResult>;
}

/** The most errors about variables in one answer. Each quotes a value, which may be as long as the request. */
const MAX_VARIABLE_ERRORS = 5;
/** The longest operation name in the log; in a document it may be as long as the document. */
const MAX_NAME_LENGTH = 100;

export function createExecution(options: ExecutionOptions): Execution {
  const { schema, log, metrics, authenticate, answers, batchConcurrency, introspection, timeoutMs } = options;
  const time = createOperationTime(() => metrics.countRefusal('operation_time'));
  const tasks = time.limit(options.tasks);
  const createContext = (authorization: string | null, record: RequestRecord): GatewayContext => {
    const { requestId } = record;
    const deadlineMs = performance.now() + timeoutMs;
    const answer = answers.open();
    record.answer = answer;
    return createGatewayContext({
      requestId,
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
  const shapeErrors = (
    fieldErrors: readonly GraphQLError[],
    operation: { readonly isMutation: boolean; readonly isLost: boolean },
    context: GatewayContext,
    record: RequestRecord,
  ): readonly GraphQLError[] => {
    const partial = context.answer.shortDetailsError;
    if (!partial && fieldErrors.length === 0) return fieldErrors;
    const errors = partial
      ? [new GraphQLError(partial.message, { originalError: partial }), ...fieldErrors]
      : fieldErrors;
    return executionErrors(errors, operation, context, { record, log });
  };
  return {
    run(plan, variables, authorization, record, answerType) {
      const { operation, isMutation } = plan;
      if (isMutation && findForbiddenNull(schema, plan, variables)) return null;
      const context = createContext(authorization, record);
      noteOperation(record, operation);
      return runOperation(schema, plan, context, variables, (data, fieldErrors) => {
        const errors = shapeErrors(fieldErrors, { isMutation, isLost: data === 'null' }, context, record);
        const text = errors.length === 0 ? `{"data":${data}}` : `{"errors":${JSON.stringify(errors)},"data":${data}}`;
        return { status: 200, headers: ANSWER_HEADERS[answerType], text };
      });
    },
    async execute(args, executeByYoga, authorization, record) {
      const { document, operationName } = args;
      const operation = findOperation(document, operationName ?? undefined);
      noteOperation(record, operation);
      const context = createContext(authorization, record);
      const result = findRefusal(args, operation) ?? (await executeByYoga({ ...args, contextValue: context }));
      const { data, errors: fieldErrors = [] } = result;
      if (data === undefined) return refusedResult(fieldErrors, { record, log });
      const isMutation = operation.operation === OperationTypeNode.MUTATION;
      const errors = shapeErrors(fieldErrors, { isMutation, isLost: data === null }, context, record);
      return errors.length === 0 ? result : { ...result, errors };
    },
  };

  /**
   * Refuses an operation with arguments larger than its cost assumed, or with bad variables, before any of it runs. The
   * executor alone would report up to fifty errors about the variables.
   */
  function findRefusal(
    { document, variableValues }: ExecutionArgs,
    operation: OperationDefinitionNode,
  ): ExecutionResult | null {
    const given = variableValues ?? {};
    const oversize = compileArgumentSizes(schema, document, operation)?.(given);
    if (oversize != null) {
      metrics.countRefusal('argument_sizes');
      return { errors: [new GraphQLError(oversize, { extensions: { code: 'BAD_USER_INPUT' } })] };
    }
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, {
      maxErrors: MAX_VARIABLE_ERRORS,
      hideSuggestions: !introspection,
    });
    if (errors) return { errors };
    if (operation.operation !== OperationTypeNode.MUTATION) return null;
    const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    const problem = findForbiddenNull(schema, { operation, fragments: Object.fromEntries(fragments.entries()) }, given);
    return problem ? { errors: [problem] } : null;
  }
}

/** Records which operation of a document runs. */
function noteOperation(record: RequestRecord, { name, operation }: OperationDefinitionNode): void {
  record.operationType = operation;
  record.operationName = name ? name.value.slice(0, MAX_NAME_LENGTH) : null;
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
