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

/** How often each field's name stands below these selections, fragments written out, and fields of one name in the answer once. */
export function askedBelow(
  selections: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const visit = (selection: SelectionNode, path: string): void => {
    if (!isIncluded(selection, info)) return;
    if (selection.kind !== Kind.FIELD) {
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? info.fragments[selection.name.value] : selection;
      for (const inner of fragment?.selectionSet.selections ?? []) visit(inner, path);
      return;
    }
    const fieldPath = `${path}.${(selection.alias ?? selection.name).value}`;
    const name = selection.name.value;
    if (!seen.has(fieldPath)) counts.set(name, (counts.get(name) ?? 0) + 1);
    seen.add(fieldPath);
    for (const inner of selection.selectionSet?.selections ?? []) visit(inner, fieldPath);
  };
  for (const { selections: all } of selections) for (const selection of all) visit(selection, '');
  return counts;
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
