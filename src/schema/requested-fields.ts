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
  return [...collectFields([info.operation.selectionSet], info, false).values()];
}

/** Counts the fields below these selections by name. Fragments are expanded; fields merged in the answer count once. */
export function countFieldsBelow(
  selections: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of collectFields(selections, info, true).values())
    counts.set(name.value, (counts.get(name.value) ?? 0) + 1);
  return counts;
}

/** Collects fields by their path in the answer, as they are executed: each fragment once, and one field per path. */
function collectFields(
  selections: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
  isDeep: boolean,
): ReadonlyMap<string, FieldNode> {
  const fields = new Map<string, FieldNode>();
  const visited = new Set<string>();
  const visit = (selection: SelectionNode, path: string): void => {
    if (!isIncluded(selection, info)) return;
    let inner: SelectionSetNode | undefined;
    let innerPath = path;
    if (selection.kind === Kind.FIELD) {
      innerPath = `${path}.${(selection.alias ?? selection.name).value}`;
      fields.set(innerPath, selection);
      inner = isDeep ? selection.selectionSet : undefined;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      inner = selection.selectionSet;
    } else {
      const key = `${path}...${selection.name.value}`;
      if (!visited.has(key)) inner = info.fragments[selection.name.value]?.selectionSet;
      visited.add(key);
    }
    for (const next of inner?.selections ?? []) visit(next, innerPath);
  };
  for (const { selections: all } of selections) for (const selection of all) visit(selection, '');
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
