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
import { badInput } from '../contract/failure.ts';

/** The root fields of the operation, as they are executed. */
export function rootFields(info: GraphQLResolveInfo): readonly FieldNode[] {
  const [only, ...others] = info.operation.selectionSet.selections;
  // The resolver that calls this is executed, so its field is the only one.
  if (only?.kind === Kind.FIELD && others.length === 0) return [only];
  return [...collectFields(info.operation.selectionSet, info).values()];
}

/** Counts the fields below these selections by name. Fragments are expanded; fields merged in the answer count once. */
export function countFieldsBelow(
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

/** Collects fields by response name as they are executed: each fragment once, and one field per name. */
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

/** Items of batches and aliases of mutations count alike. */
const MAX_WRITES_PER_REQUEST = 100;

/**
 * Throws BAD_USER_INPUT if the operation requests more writes than allowed. Every mutation calls this before it writes, so such
 * an operation writes nothing: not even its first fields, whose results the error of a later field could null.
 */
export function limitWrites(field: string, info: GraphQLResolveInfo): void {
  const fields = rootFields(info);
  const requested = fields.reduce((count, node) => count + countWrites(node, info), 0);
  if (requested <= MAX_WRITES_PER_REQUEST) return;
  throw badInput(field, `expected at most ${MAX_WRITES_PER_REQUEST} writes in one request, got ${requested}`);
}

/** One per item of `inputs`; a mutation without `inputs` is one write. */
function countWrites({ arguments: args = [] }: FieldNode, { variableValues }: GraphQLResolveInfo): number {
  const inputs = args.find(({ name }) => name.value === 'inputs')?.value;
  if (inputs?.kind === Kind.LIST) return inputs.values.length;
  const given = inputs?.kind === Kind.VARIABLE ? variableValues[inputs.name.value] : null;
  return Array.isArray(given) ? given.length : 1;
}
