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
} from 'graphql';
import type { Builder } from './builder.ts';

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
