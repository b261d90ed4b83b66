import { EntityType, entitiesField, serviceField } from '@apollo/subgraph/dist/types.js';
import { hasResolvableKey } from '@pothos/plugin-federation';
import {
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLUnionType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  Kind,
  lexicographicSortSchema,
  print,
  getNamedType,
  type GraphQLResolveInfo,
  isUnionType,
} from 'graphql';
import type { Builder } from './builder.ts';
import { badInput } from '../contract/failure.ts';
import type { GatewayContext } from './context.ts';

export interface SubgraphLink {
  /** The specification that the subgraph is written in. */
  readonly url: string;
  /** The directives that it uses, `@key`. */
  readonly import: readonly string[];
}

/**
 * A builder's schema with the fields that Federation asks for. The plugin's `toSubGraphSchema` gives the same, but it builds
 * the schema twice, and Apollo's whole model of it for an SDL that no caller but a router or a registry wants: that was a
 * fifth of a start. Here the SDL is printed without that model, when it is first asked for.
 */
export function toSubgraphSchema(builder: Builder, link: SubgraphLink): GraphQLSchema {
  const schema = builder.toSchema({ extensions: { directives: [{ name: 'link', args: link }] } });
  const query = schema.getQueryType();
  if (!query) throw new Error('A subgraph needs a query type.');
  const types = Object.values(schema.getTypeMap());
  const entities = types.filter((type) => isObjectType(type)).filter(hasResolvableKey);
  const entityType = new GraphQLUnionType({ ...EntityType.toConfig(), types: entities });
  let sdl: string | null = null;
  const subgraphQuery = new GraphQLObjectType({
    ...query.toConfig(),
    fields: {
      _entities: { ...entitiesField, type: new GraphQLNonNull(new GraphQLList(entityType)) },
      _service: { ...serviceField, resolve: () => ({ sdl: (sdl ??= printSdl(schema)) }) },
      ...query.toConfig().fields,
    },
  });
  return lexicographicSortSchema(
    new GraphQLSchema({
      ...schema.toConfig(),
      query: subgraphQuery,
      types: [...types.filter((type) => type !== query), subgraphQuery],
    }),
  );
}

/** The schema's text with its directives. The builder keeps the syntax of all that it makes. */
function printSdl(schema: GraphQLSchema): string {
  const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
  const types = Object.values(schema.getTypeMap());
  const own = types.filter((type) => !isSpecifiedScalarType(type) && !isIntrospectionType(type));
  const definitions = [...directives, ...own].flatMap(({ astNode }) => astNode ?? []);
  return print({ kind: Kind.DOCUMENT, definitions: [...schema.extensionASTNodes, ...definitions] });
}

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

/** What an account task points at and other subgraphs know more about. */
export function addReferences(builder: Builder): void {
  const reference = {
    key: builder.keyDirective(builder.selection<{ id: string }>('id'), false),
    resolveReference: (representation: { readonly id: string }) => representation,
  };
  const Task = builder.objectType('Task', {
    description: 'A task of the catalogue, which account tasks register for an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The TaskID, hyphenated and lower-case.' }),
    }),
  });
  const Client = builder.objectType('Client', {
    description: 'An API client of an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The ClientID, hyphenated and lower-case.' }),
    }),
  });
  builder.asEntity(Task, reference);
  builder.asEntity(Client, reference);
}
