/**
 * Small Yoga plugins: the operation's name for the log, parameters that Yoga misreads, and a schema closed to
 * introspection; and the trace of mutation fields.
 */
import {
  defaultFieldResolver,
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  type validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { currentSteps, withSteps } from '../event-loop/request-steps.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';

/** The longest operation name in the log; in a document it may be as long as the document. */
const MAX_NAME_LENGTH = 100;

/** Records which operation of a document runs. */
export function noteOperation(record: RequestRecord | undefined, { name, operation }: OperationDefinitionNode): void {
  if (!record) return;
  record.operationType = operation;
  record.operationName = name ? name.value.slice(0, MAX_NAME_LENGTH) : null;
}

/** Records the operations that Yoga runs. */
export function useOperationName(): Plugin<object, { readonly record?: RequestRecord }> {
  return {
    onExecute({ args }) {
      const { document, operationName, contextValue } = args as {
        readonly document: DocumentNode;
        readonly operationName?: string | null;
        readonly contextValue: { readonly record?: RequestRecord };
      };
      const operation = getOperationAST(document, operationName);
      if (operation) noteOperation(contextValue.record, operation);
    },
  };
}

/** Refuses variables and extensions that are not JSON, and an operationName that is not a string. Yoga would mask or ignore them. */
export function useParameterText(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw refusal('variables, extensions: expected JSON objects, got text that is not JSON.');
        }
      });
    },
    onParams({ params }) {
      const { operationName } = params as { readonly operationName?: unknown };
      if (operationName != null && typeof operationName !== 'string')
        throw refusal(`operationName: expected a string or null, got ${JSON.stringify(operationName)}`);
    },
  };
}

/** The parameters of a GraphQL request. */
const PARAMETERS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);
const MISSING = 'query: expected a GraphQL document, got none.';

/** Refuses a request without a query, and says how to send one. Yoga's message does not. */
export function useQueryHint(): Plugin {
  return {
    onParams({ params, request }) {
      // Yoga names an unknown parameter, which may be a misspelled query.
      const hasUnknown = Object.entries(params).some(([name, value]) => value != null && !PARAMETERS.has(name));
      if (params.query == null && !hasUnknown)
        throw refusal(`${MISSING} ${queryHint(request)}`, { Allow: 'GET, POST' });
    },
  };
}

function queryHint({ method, headers }: Request): string {
  if (method === 'GET') return 'Send it as the parameter query of the URL.';
  const type = headers.get('content-type') ?? '';
  return type.includes('json')
    ? 'Send a body such as {"query": "{ __typename }"}.'
    : `A body of type ${type} was read; for a JSON body send Content-Type: application/json.`;
}

function refusal(message: string, headers: Readonly<Record<string, string>> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400, headers } } });
}

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
