import { getNamedType, type GraphQLResolveInfo, type GraphQLSchema, isUnionType } from 'graphql';
import { badInput } from '../contract/failure.ts';
import type { GatewayContext } from './context.ts';

/** Federation's `_Any` lets anything through but null: whatever it is, it may lack the name of a type. */
interface EntitiesArguments {
  readonly representations: readonly { readonly __typename?: unknown }[];
}

type ResolveEntities = (
  source: unknown,
  args: EntitiesArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
) => readonly unknown[] | Promise<readonly unknown[]>;

/** Makes a representation that cannot be looked up an error at its own place; Federation's resolver drops the others with it. */
export function answerEntitiesOneByOne(schema: GraphQLSchema): GraphQLSchema {
  const field = schema.getQueryType()?.getFields()['_entities'];
  const entity = field && getNamedType(field.type);
  if (!field?.resolve || !isUnionType(entity)) throw new Error('The schema has no entities to answer.');
  const names = entity.getTypes().map(({ name }) => name);
  const resolveAll = field.resolve as ResolveEntities;
  const resolveOneByOne: ResolveEntities = async (source, { representations }, context, info) => {
    await context.authenticate();
    return representations.map(async (representation, index) => {
      const { __typename: typename } = representation;
      if (typeof typename !== 'string' || !names.includes(typename))
        throw badInput(`representations.${index}.__typename`, `expected ${names.join(' or ')}`);
      const [found] = await resolveAll(source, { representations: [representation] }, context, info);
      return found;
    });
  };
  field.resolve = resolveOneByOne;
  return schema;
}
