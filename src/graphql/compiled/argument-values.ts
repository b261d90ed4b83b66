import { type FieldNode, getArgumentValues, type GraphQLField, isNonNullType, Kind } from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** A field's arguments with the operation's variables in them; throws a GraphQLError where one is bad. */
export type ArgumentValues = (variables: Values) => Values;

const NONE: Values = Object.freeze({});

/** graphql-js's own reading, except for arguments that are nothing but variables. */
export function compileArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): ArgumentValues {
  const read: ArgumentValues = (variables) => getArgumentValues(definition, node, variables);
  if (definition.args.length === 0) return () => NONE;
  const given: { readonly name: string; readonly variable: string; readonly isNonNull: boolean }[] = [];
  for (const { name, type, defaultValue } of definition.args) {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
    const isNonNull = isNonNullType(type);
    if (value?.kind === Kind.VARIABLE) given.push({ name, variable: value.name.value, isNonNull });
    else if (value || isNonNull || defaultValue !== undefined) return read;
  }
  return (variables) => {
    const values: Record<string, unknown> = {};
    for (const { name, variable, isNonNull } of given) {
      const value = variables[variable];
      if (value === undefined || (value === null && isNonNull)) return read(variables);
      values[name] = value;
    }
    return values;
  };
}
