import {
  type FieldNode,
  getDirectiveValues,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The fields that the operation asks of Query or Mutation, as they are executed. */
export function requestedFields(info: GraphQLResolveInfo): readonly FieldNode[] {
  const [only, ...others] = info.operation.selectionSet.selections;
  // A field that asks is executed, so it is this one.
  if (only?.kind === Kind.FIELD && others.length === 0) return [only];
  return [...collectFields(info.operation.selectionSet, info).values()];
}

/** The operation's fields by response name, as they are executed: a fragment once, and one field where names are the same. */
function collectFields(
  { selections }: SelectionSetNode,
  info: GraphQLResolveInfo,
  fields = new Map<string, FieldNode>(),
  visited = new Set<string>(),
): ReadonlyMap<string, FieldNode> {
  for (const selection of selections) {
    if (!isIncluded(selection, info)) continue;
    if (selection.kind === Kind.FIELD) {
      fields.set((selection.alias ?? selection.name).value, selection);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      collectFields(selection.selectionSet, info, fields, visited);
    } else if (!visited.has(selection.name.value)) {
      visited.add(selection.name.value);
      const fragment = info.fragments[selection.name.value];
      if (fragment) collectFields(fragment.selectionSet, info, fields, visited);
    }
  }
  return fields;
}

function isIncluded(node: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  if (!node.directives?.length) return true;
  return (
    getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false
  );
}
