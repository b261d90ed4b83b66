/**
 * Runs the operations of accepted documents. Whatever holds for every operation is here: its name in the record, its context
 * and the shapes of its errors. A plan writes the answer's text; Yoga's executor runs what only Yoga can answer.
 */
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GatewayContext } from '../schema/context.ts';
import type { Log } from '../telemetry/log.ts';
import { type RequestRecord, toRequestId } from '../telemetry/request-record.ts';
import type { OperationPlan } from './compiled/plan.ts';
import { runOperation } from './compiled/run.ts';
import { executionErrors, refusedResult, withShortDetails } from './error-shapes.ts';
import { compileArgumentSizes } from './limits/argument-sizes.ts';

/** The values that the HTTP layer passes with a request: Yoga's server context. */
export interface ServerContext {
  readonly requestId?: string;
  readonly record?: RequestRecord;
}

export type CreateContext = (
  authorization: string | null,
  requestId: string,
  record: RequestRecord | undefined,
) => GatewayContext;

export interface ExecutionOptions {
  readonly schema: GraphQLSchema;
  readonly createContext: CreateContext;
  readonly log: Log;
  /** True to leave "Did you mean" out of the errors about variables. */
  readonly hideSuggestions: boolean;
  /** Called when an operation is refused because an argument is too large. */
  readonly onOversize: () => void;
}

export interface Execution {
  /**
   * Runs a planned operation and resolves with the text of its answer; returns null, with nothing run, if an argument is
   * invalid or too large. Yoga then reports it.
   */
  run(
    plan: OperationPlan,
    variables: Readonly<Record<string, unknown>>,
    authorization: string | null,
    record: RequestRecord,
  ): Promise<string> | null;
  /** Runs the operations of the requests that Yoga answers. No other plugin of ours hooks into execution. */
  readonly plugin: Plugin<ServerContext>;
}

/** The most errors about variables in one answer. Each quotes a value, which may be as long as the request. */
const MAX_VARIABLE_ERRORS = 5;
/** The longest operation name in the log; in a document it may be as long as the document. */
const MAX_NAME_LENGTH = 100;

export function createExecution(options: ExecutionOptions): Execution {
  const { schema, createContext, log } = options;
  const shapeErrors = (
    fieldErrors: readonly GraphQLError[],
    operation: { readonly isMutation: boolean; readonly isLost: boolean },
    context: GatewayContext,
    record: RequestRecord | undefined,
  ): readonly GraphQLError[] => {
    const errors = withShortDetails(fieldErrors, context.answer);
    const { requestId, created, uncertain } = context;
    return errors.length === 0
      ? errors
      : executionErrors(errors, operation, { requestId, created, uncertain, record, log });
  };
  return {
    run(plan, variables, authorization, record) {
      const context = createContext(authorization, record.requestId, record);
      const { operation, isMutation } = plan;
      noteOperation(record, operation);
      return runOperation(schema, plan, context, variables, (data, fieldErrors) => {
        const errors = shapeErrors(fieldErrors, { isMutation, isLost: data === 'null' }, context, record);
        return errors.length === 0 ? `{"data":${data}}` : `{"errors":${JSON.stringify(errors)},"data":${data}}`;
      });
    },
    plugin: {
      onExecute({ args, context: yogaContext, executeFn, setExecuteFn }) {
        const { document, operationName } = args as { document: DocumentNode; operationName?: string | null };
        const { request, record, requestId = toRequestId(request.headers.get('x-request-id')) } = yogaContext;
        const executeByYoga = executeFn as (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;
        const operation = getOperationAST(document, operationName);
        if (operation) noteOperation(record, operation);
        setExecuteFn(async (executed: ExecutionArgs): Promise<ExecutionResult> => {
          const context = createContext(request.headers.get('authorization'), requestId, record);
          const refused = operation && findRefusal(executed, operation);
          const result = refused ?? (await executeByYoga({ ...executed, contextValue: context }));
          const { data, errors: fieldErrors = [] } = result;
          if (data === undefined) return refusedResult(fieldErrors, { requestId, record, log });
          const isMutation = operation?.operation === OperationTypeNode.MUTATION;
          const errors = shapeErrors(fieldErrors, { isMutation, isLost: data === null }, context, record);
          return errors.length === 0 ? result : { ...result, errors };
        });
      },
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
      options.onOversize();
      const extensions = { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } };
      return { errors: [new GraphQLError(oversize, { extensions })] };
    }
    const { hideSuggestions } = options;
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, {
      maxErrors: MAX_VARIABLE_ERRORS,
      hideSuggestions,
    });
    return errors ? { errors } : null;
  }
}

/** Records which operation of a document runs. */
function noteOperation(record: RequestRecord | undefined, { name, operation }: OperationDefinitionNode): void {
  if (!record) return;
  record.operationType = operation;
  record.operationName = name ? name.value.slice(0, MAX_NAME_LENGTH) : null;
}
