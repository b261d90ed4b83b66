/**
 * Yoga plugins of validation and of results: a schema closed to introspection, and the errors of requests that never ran; and
 * the trace of mutation fields.
 */
import {
  defaultFieldResolver,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  type validate,
  type ASTNode,
  BREAK,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  Kind,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { currentSteps, withSteps } from '../event-loop/request-steps.ts';
import { refusedResult } from './error-shapes.ts';
import type { ServerContext } from './execution.ts';
import type { Log } from '../telemetry/log.ts';

type Validate = typeof validate;

/** Refuses introspection and removes "Did you mean" from errors. Federation's `_service` stays, for routers and registries. */
export function useClosedSchema(): Plugin {
  return {
    onValidate({ addValidationRule, validateFn, setValidationFn }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      const validateWith = validateFn as Validate;
      const validateSilently: Validate = (schema, document, rules) =>
        validateWith(schema, document, rules, { hideSuggestions: true });
      setValidationFn(validateSilently);
    },
  };
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

/** Gives the errors of requests that never ran their shape. */
export function useRefusals(log: Log): Plugin<object, ServerContext> {
  return {
    onResultProcess(payload) {
      const result = payload.result as ExecutionResult;
      if (!result.errors?.length || result.errors.every(hasRequestId)) return;
      payload.setResult(refusedResult(result.errors, { record: payload.serverContext.record, log }));
    },
  };
}

/** Names the argument or input field in the errors of values that are written in the document. */
export function useNamedValues(): Plugin {
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
