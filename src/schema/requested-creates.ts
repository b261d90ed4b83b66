import { type FieldNode, type GraphQLResolveInfo, Kind } from 'graphql';
import { badInput } from '../contract/failure.ts';
import { requestedFields } from './requested-fields.ts';

/** However they are spelt: items of a batch, or aliases of the mutations. */
const MAX_CREATES_PER_REQUEST = 100;

/**
 * Throws BAD_USER_INPUT where the operation asks for more creates than one request may. Each of its fields asks before it
 * creates, so such an operation creates nothing at all: an error of a later field takes the results of earlier ones away.
 */
export function boundRequestedCreates(field: string, info: GraphQLResolveInfo): void {
  const fields = requestedFields(info);
  const requested = fields.reduce((count, node) => count + countCreates(node, info), 0);
  if (requested <= MAX_CREATES_PER_REQUEST) return;
  throw badInput(
    field,
    `one request may create at most ${MAX_CREATES_PER_REQUEST} tasks, and this one asks for ${requested}`,
  );
}

/** One for each item of a list; whatever takes no list creates one task at the most. */
function countCreates({ arguments: args = [] }: FieldNode, { variableValues }: GraphQLResolveInfo): number {
  const inputs = args.find(({ name }) => name.value === 'inputs')?.value;
  if (inputs?.kind === Kind.LIST) return inputs.values.length;
  const given = inputs?.kind === Kind.VARIABLE ? variableValues[inputs.name.value] : null;
  return Array.isArray(given) ? given.length : 1;
}
