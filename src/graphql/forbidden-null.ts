import {
  type DefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  ValidationContext,
  type VariableNode,
} from 'graphql';

/** An operation with the fragments of its document. */
interface FragmentedOperation {
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, DefinitionNode>>;
}

/** By operation, the variables that must not be null, each with a place that allows none. */
const strictVariables = new WeakMap<OperationDefinitionNode, ReadonlyMap<string, VariableNode>>();

/**
 * Finds a null for a variable of a mutation in a place that allows none. The document is valid because the variable has a
 * default. GraphQL itself reports the null only when it comes to the field, and by then a write has been carried out.
 */
export function findForbiddenNull(
  schema: GraphQLSchema,
  { operation, fragments }: FragmentedOperation,
  given: Readonly<Record<string, unknown>>,
): GraphQLError | null {
  for (const name of Object.keys(given)) {
    if (given[name] !== null) continue;
    let strict = strictVariables.get(operation);
    if (!strict) {
      strict = findStrictVariables(schema, operation, Object.values(fragments));
      strictVariables.set(operation, strict);
    }
    const node = strict.get(name);
    if (!node) continue;
    const message = `variables.${name}: expected a value, or none for its default, got null`;
    return new GraphQLError(message, { nodes: node, extensions: { code: 'BAD_USER_INPUT' } });
  }
  return null;
}

function findStrictVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: readonly DefinitionNode[],
): ReadonlyMap<string, VariableNode> {
  const document = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] } as const;
  const usages = new ValidationContext(schema, document, new TypeInfo(schema), () => undefined)
    .getRecursiveVariableUsages(operation)
    .filter(({ type }) => isNonNullType(type));
  return new Map(usages.map(({ node }) => [node.name.value, node]));
}
