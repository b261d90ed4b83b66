import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';

/** What has a name, with its type, and its description. */
type Named = readonly [name: string, description: string | null | undefined];

/** Everything of a schema that has a name: `Query.accountTasks(first: Int = 20)`, `TaskFrequency.NONE`. */
export function schemaNames(schema: GraphQLSchema): ReadonlyMap<string, Named[1]> {
  const types = Object.values(schema.getTypeMap()).filter((type) => isOwn(type) && !isSpecifiedScalarType(type));
  return new Map(
    types.flatMap((type) => [[`${type.constructor.name} ${type.name}`, type.description], ...members(type)]),
  );
}

/** Names of GraphQL itself and of Federation begin with an underscore; neither are this project's to describe. */
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
