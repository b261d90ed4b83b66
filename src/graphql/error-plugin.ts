/** The Yoga plugin that gives every error of a result one of the shapes in error-shapes.ts. The fast lane applies them itself. */
import { type ASTNode, BREAK, type DocumentNode, type ExecutionResult, GraphQLError, Kind, visit } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GatewayContext } from '../schema/context.ts';
import { executionErrors, refusedResult, withShortDetails } from './error-shapes.ts';
import type { Log } from '../telemetry/log.ts';
import { toRequestId, type RequestRecord } from '../telemetry/request-record.ts';

const VALUE_KINDS: ReadonlySet<string> = new Set([
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
]);

/** Replaces the errors of validation, of execution, and of requests that never ran. */
export function useErrorShapes(
  log: Log,
): Plugin<GatewayContext & { record?: RequestRecord }, { requestId?: string; record?: RequestRecord }> {
  const named = new WeakSet<GraphQLError>();
  return {
    onValidate: ({ params: { documentAST } }) => {
      const document = documentAST as DocumentNode;
      return ({ result, setResult }) => {
        const errors = result as readonly GraphQLError[];
        if (errors.every((error) => named.has(error))) return;
        const renamed = errors.map((error) => (named.has(error) ? error : nameField(error, document)));
        for (const error of renamed) named.add(error);
        setResult(renamed);
      };
    },
    onExecute: ({ args }) => ({
      onExecuteDone({ result, setResult }) {
        const { document, operationName, contextValue } = args;
        const { errors: fieldErrors = [] } = result as ExecutionResult;
        const executed = { ...(result as ExecutionResult), errors: withShortDetails(fieldErrors, contextValue.answer) };
        if (executed.errors.length === 0) return;
        const { requestId, created, uncertain, record } = contextValue;
        const request = { requestId, created, uncertain, record, log };
        setResult(
          executed.data === undefined
            ? refusedResult(executed.errors, request)
            : { ...executed, errors: executionErrors(executed, document, operationName ?? undefined, request) },
        );
      },
    }),
    onResultProcess(payload) {
      const result = payload.result as ExecutionResult;
      if (!result.errors?.length || result.errors.every(hasRequestId)) return;
      const requestId = payload.serverContext.requestId ?? toRequestId(payload.request.headers.get('x-request-id'));
      const { record } = payload.serverContext;
      payload.setResult(refusedResult(result.errors, { requestId, record, log }));
    },
  };
}

function hasRequestId(error: GraphQLError): boolean {
  return error.extensions['requestId'] !== undefined;
}

/** Adds the argument or input field to the error of a value that is written in the document, as errors of variables have it. */
function nameField(error: GraphQLError, document: DocumentNode): GraphQLError {
  const node = error.nodes?.[0];
  if (!node || !VALUE_KINDS.has(node.kind)) return error;
  return new GraphQLError(`${inputPath(document, node)}: ${error.message}`, {
    nodes: error.nodes,
    extensions: { ...error.extensions, code: 'BAD_USER_INPUT' },
  });
}

function inputPath(document: DocumentNode, value: ASTNode): string {
  const names: string[] = [];
  visit(document, {
    enter(node) {
      if (node === value) return BREAK;
      if (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD) names.push(node.name.value);
      return undefined;
    },
    leave(node) {
      if (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD) names.pop();
    },
  });
  return names.join('.');
}
