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

/** However they are spelt: items of a batch, or aliases of the mutations. */
const MAX_CREATES_PER_REQUEST = 100;

/**
 * Throws BAD_USER_INPUT where the operation asks for more creates than one request may. Each of its fields asks before it
 * creates, so such an operation creates nothing at all: an error of a later field takes the results of earlier ones away.
 */
export function boundRequestedCreates(field: string, info: GraphQLResolveInfo): void {
  const fields = [...collectFields(info.operation.selectionSet, info).values()];
  const requested = fields.reduce((count, node) => count + countCreates(node, info), 0);
  if (requested <= MAX_CREATES_PER_REQUEST) return;
  throw badInput(
    field,
    `one request may create at most ${MAX_CREATES_PER_REQUEST} tasks, and this one asks for ${requested}`,
  );
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
  return (
    getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false
  );
}

/** One for each item of a list; whatever takes no list creates one task at the most. */
function countCreates({ arguments: args = [] }: FieldNode, { variableValues }: GraphQLResolveInfo): number {
  const inputs = args.find(({ name }) => name.value === 'inputs')?.value;
  if (inputs?.kind === Kind.LIST) return inputs.values.length;
  const given = inputs?.kind === Kind.VARIABLE ? variableValues[inputs.name.value] : null;
  return Array.isArray(given) ? given.length : 1;
}
