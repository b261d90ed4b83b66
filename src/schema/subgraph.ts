import {
  type ASTNode,
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
  parse,
  print,
  visit,
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

export interface SubgraphOptions {
  /** The directives of Federation that the schema uses, as `@key`. */
  readonly imports: readonly string[];
  /** The owner of the subgraph, as schema registries and routers show it; absent if it is not named. */
  readonly contact?: { readonly name: string; readonly description: string };
}

/** Adds `_service` and `_entities`, through which a router of Federation reads the schema and looks up entities. */
export function toSubgraphSchema(schema: GraphQLSchema, options: SubgraphOptions): GraphQLSchema {
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
      _service: { type: new GraphQLNonNull(SERVICE), resolve: () => ({ sdl: (sdl ??= printSdl(schema, options)) }) },
      ...query.fields,
    },
  });
  return lexicographicSortSchema(
    new GraphQLSchema({ ...schema.toConfig(), query: subgraphQuery, types: [...types, subgraphQuery] }),
  );
}

/** Registries know this directive by its name; it is not part of Federation, so a schema has to define it. */
const CONTACT = 'directive @contact(name: String!, url: String, description: String) on SCHEMA';

/** Prints the schema with its directives and sorted, from the syntax nodes that the builder keeps of all that it makes. */
function printSdl(schema: GraphQLSchema, { imports, contact }: SubgraphOptions): string {
  const link = `@link(url: "${FEDERATION}", import: ${JSON.stringify(imports)})`;
  const owner = contact && `@contact(name: "${contact.name}", description: "${contact.description}")`;
  const header = owner ? `${CONTACT} extend schema ${link} ${owner}` : `extend schema ${link}`;
  const own = Object.values(schema.getTypeMap()).filter(
    (type) => !isSpecifiedScalarType(type) && !isIntrospectionType(type),
  );
  const types = own.flatMap(({ astNode }) => astNode ?? []).toSorted(byName);
  return print({
    kind: Kind.DOCUMENT,
    definitions: [...parse(header, { noLocation: true }).definitions, ...types.map(sortMembers)],
  });
}

/** Sorts fields, arguments and enum values, so that an SDL changes only where the schema does. */
function sortMembers<Node extends ASTNode>(definition: Node): Node {
  return visit(definition, {
    StringValue: (node, key) => (key === 'description' ? { ...node, block: true } : undefined),
    ObjectTypeDefinition: { leave: (type) => ({ ...type, fields: type.fields?.toSorted(byName) ?? [] }) },
    InterfaceTypeDefinition: { leave: (type) => ({ ...type, fields: type.fields?.toSorted(byName) ?? [] }) },
    InputObjectTypeDefinition: { leave: (type) => ({ ...type, fields: type.fields?.toSorted(byName) ?? [] }) },
    FieldDefinition: { leave: (field) => ({ ...field, arguments: field.arguments?.toSorted(byName) ?? [] }) },
    EnumTypeDefinition: { leave: (type) => ({ ...type, values: type.values?.toSorted(byName) ?? [] }) },
  });
}

interface Named {
  readonly name: { readonly value: string };
}

function byName({ name: a }: Named, { name: b }: Named): number {
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
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
