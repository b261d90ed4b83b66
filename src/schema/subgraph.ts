import {
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  lexicographicSortSchema,
  print,
} from 'graphql';
import { badInput } from '../contract/failure.ts';
import type { Builder } from './builder.ts';
import type { GatewayContext } from './context.ts';

/** The newest version of Federation that both Apollo's and The Guild's composition accept. */
const FEDERATION = 'https://specs.apollo.dev/federation/v2.9';

/** The representation of an entity in another subgraph. Its values have not been checked. */
type Representation = Readonly<Record<string, unknown>>;

/** Looks up the entity of a representation; null if it does not exist. An object type with such an extension is an entity. */
export type ResolveReference = (
  representation: Representation,
  context: GatewayContext,
  info: GraphQLResolveInfo,
) => object | null | Promise<object | null>;

const ANY = new GraphQLScalarType({ name: '_Any' });
const SERVICE = new GraphQLObjectType({
  name: '_Service',
  fields: { sdl: { type: GraphQLString, description: 'The schema with the directives of Federation, for routers.' } },
});

/**
 * Adds `_service` and `_entities`, through which a router of Federation reads the schema and looks up entities.
 * `directives` are those of Federation that the schema uses, as `@key`.
 */
export function toSubgraphSchema(schema: GraphQLSchema, directives: readonly string[]): GraphQLSchema {
  const query = schema.getQueryType()?.toConfig();
  if (!query) throw new Error('A subgraph needs a query type.');
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => name !== query.name);
  const entities = types.filter(
    (type) => isObjectType(type) && type.extensions.resolveReference,
  ) as GraphQLObjectType[];
  const typeNames = new WeakMap<object, string>();
  const resolveEntity = async (
    representation: Representation,
    index: number,
    context: GatewayContext,
    info: GraphQLResolveInfo,
  ): Promise<object | null> => {
    const type = entities.find(({ name }) => name === representation['__typename']);
    const resolveReference = type?.extensions['resolveReference'] as ResolveReference | undefined;
    if (!type || !resolveReference) {
      const names = entities.map(({ name }) => name).join(' or ');
      throw badInput(`representations.${index}.__typename`, `expected ${names}`);
    }
    const entity = await resolveReference(representation, context, info);
    if (entity) typeNames.set(entity, type.name);
    return entity;
  };
  let sdl: string | null = null;
  const subgraphQuery = new GraphQLObjectType<unknown, GatewayContext>({
    ...query,
    fields: {
      _entities: {
        type: new GraphQLNonNull(
          new GraphQLList(
            new GraphQLUnionType({
              name: '_Entity',
              types: entities,
              resolveType: (entity: object) => typeNames.get(entity),
            }),
          ),
        ),
        args: { representations: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(ANY))) } },
        async resolve(_, { representations }: { readonly representations: readonly Representation[] }, context, info) {
          await context.authenticate();
          // Each representation has its own promise, so one that fails does not fail the others.
          return representations.map((representation, index) => resolveEntity(representation, index, context, info));
        },
      },
      _service: { type: new GraphQLNonNull(SERVICE), resolve: () => ({ sdl: (sdl ??= printSdl(schema, directives)) }) },
      ...query.fields,
    },
  });
  return lexicographicSortSchema(
    new GraphQLSchema({ ...schema.toConfig(), query: subgraphQuery, types: [...types, subgraphQuery] }),
  );
}

/** Prints the schema with its directives, from the syntax nodes that the builder keeps of all that it makes. */
function printSdl(schema: GraphQLSchema, directives: readonly string[]): string {
  const types = Object.values(schema.getTypeMap());
  const own = types.filter((type) => !isSpecifiedScalarType(type) && !isIntrospectionType(type));
  const definitions = own.flatMap(({ astNode }) => astNode ?? []);
  const link = `extend schema @link(url: "${FEDERATION}", import: [${directives.map((name) => `"${name}"`).join(', ')}])`;
  return `${link}\n\n${print({ kind: Kind.DOCUMENT, definitions })}`;
}

/** Adds the types that an account task refers to, and that other subgraphs resolve. */
export function addReferences(builder: Builder): void {
  const directives = { key: { fields: 'id', resolvable: false } };
  builder.objectType('Task', {
    directives,
    description: 'A task of the catalogue, which account tasks register on an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The TaskID, hyphenated and lower-case.' }),
    }),
  });
  builder.objectType('Client', {
    directives,
    description: 'An API client of an account.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The ClientID, hyphenated and lower-case.' }),
    }),
  });
}
