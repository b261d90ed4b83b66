/** Decides which documents may run: they are within the limits, can be parsed and are valid, and have the requested operation. */
import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  OperationTypeNode,
  specifiedRules,
  validate,
  visit,
} from 'graphql';
import type { DocumentLimit } from '../telemetry/metrics.ts';
import { DocumentLimitError, parseWithinLimits } from './limits/document-limits.ts';

/** The refusal of a document with all its errors. Yoga reports each of `errors`. */
class InvalidDocumentError extends Error {
  override readonly name = 'InvalidDocumentError';
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The document is not valid.');
    this.errors = errors;
  }
}

export interface DocumentCheckOptions {
  readonly schema: GraphQLSchema;
  /** True to refuse introspection and to leave "Did you mean" out of errors. */
  readonly isClosed: boolean;
  readonly onRefused: (limit: DocumentLimit) => void;
}

/** Parses and validates a document. @throws InvalidDocumentError, or GraphQLError if it exceeds a limit or cannot be parsed. */
export type CheckDocument = (text: string) => DocumentNode;

export function createDocumentCheck({ schema, isClosed, onRefused }: DocumentCheckOptions): CheckDocument {
  // Federation's `_service` stays, for routers and registries.
  const rules = isClosed ? [...specifiedRules, NoSchemaIntrospectionCustomRule] : specifiedRules;
  return (text) => {
    let document: DocumentNode;
    try {
      document = parseWithinLimits(schema, text);
    } catch (error) {
      if (error instanceof DocumentLimitError) onRefused(error.limit);
      else if (error instanceof GraphQLError) error.extensions['code'] = 'GRAPHQL_PARSE_FAILED';
      throw error;
    }
    const errors = validate(schema, document, rules, { hideSuggestions: isClosed });
    if (errors.length > 0) throw new InvalidDocumentError(errors.map((error) => withCode(error, document)));
    return document;
  };
}

/** Returns the operation that a request names. @throws GraphQLError if it cannot be found or run. */
export function findOperation(document: DocumentNode, operationName: string | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const [operation] =
    operationName === undefined ? operations : operations.filter(({ name }) => name?.value === operationName);
  if (!operation || (operationName === undefined && operations.length > 1))
    throw refuseOperation(document, operations, operationName);
  if (operation.operation === OperationTypeNode.SUBSCRIPTION)
    throw toResolutionError('query: expected a query or a mutation, got a subscription');
  return operation;
}

function refuseOperation(
  document: DocumentNode,
  operations: readonly OperationDefinitionNode[],
  operationName: string | undefined,
): GraphQLError {
  if (operations.length === 0)
    return toResolutionError('query: expected a document with an operation, got one without');
  const got = operationName === undefined ? 'none' : JSON.stringify(operationName);
  return toResolutionError(
    `operationName: expected the name of one of the document's operations, got ${got}`,
    document,
  );
}

function toResolutionError(message: string, document?: DocumentNode): GraphQLError {
  const source = document?.loc?.source ?? null;
  return new GraphQLError(message, { source, extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
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

/** Adds a code and, for a value that is written in the document, its argument or input field, as errors of variables have it. */
function withCode(error: GraphQLError, document: DocumentNode): GraphQLError {
  const { message, nodes = [] } = error;
  const [node] = nodes;
  const isAboutValue = node !== undefined && VALUE_KINDS.has(node.kind);
  return new GraphQLError(isAboutValue ? `${inputPath(document, node)}: ${message}` : message, {
    nodes,
    extensions: { code: isAboutValue ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED' },
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
