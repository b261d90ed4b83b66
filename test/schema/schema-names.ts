import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';

/** A named part of a schema with its type, and its description. */
type Named = readonly [name: string, description: string | null | undefined];

/** The descriptions of all named parts of a schema, such as `Query.accountTasks(first: Int = 20)` or `TaskFrequency.NONE`. */
export function schemaNames(schema: GraphQLSchema): ReadonlyMap<string, Named[1]> {
  const types = Object.values(schema.getTypeMap()).filter((type) => isOwn(type) && !isSpecifiedScalarType(type));
  return new Map(
    types.flatMap((type) => [[`${type.constructor.name} ${type.name}`, type.description], ...members(type)]),
  );
}

/** False for the types and fields of GraphQL and Federation, which start with an underscore and need no description. */
function isOwn({ name }: { readonly name: string }): boolean {
  return !name.startsWith('_');
}

function members(type: GraphQLNamedType): readonly Named[] {
  if (isEnumType(type)) return type.getValues().map(({ name, description }) => [`${type.name}.${name}`, description]);
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map((field) => [
      `${type.name}.${field.name}: ${field.type.toString()}`,
      field.description,
    ]);
  }
  if (!isObjectType(type)) return [];
  return Object.values(type.getFields())
    .filter(isOwn)
    .flatMap((field) => fieldNames(`${type.name}.${field.name}`, field));
}

function fieldNames(path: string, { type, description, args }: GraphQLField<unknown, unknown>): readonly Named[] {
  const toNamed = (arg: (typeof args)[number]): Named => {
    const fallback = arg.defaultValue === undefined ? '' : ` = ${JSON.stringify(arg.defaultValue)}`;
    return [`${path}(${arg.name}: ${arg.type.toString()}${fallback})`, arg.description];
  };
  return [[`${path}: ${type.toString()}`, description], ...args.map(toNamed)];
}
