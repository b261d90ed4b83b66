import {
  defaultFieldResolver,
  getNullableType,
  type GraphQLField,
  type GraphQLSchema,
  isIntrospectionType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { GatewayContext } from './context.ts';

/** Wraps resolvers: every leaf field charges its value to the budget of the answer, and every mutation marks the budget as one. */
export function countLeaves(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) if (isLeafType(getNullableType(field.type))) countLeaf(field);
  }
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) markWrite(field);
  return schema;
}

function countLeaf(field: GraphQLField<unknown, GatewayContext>): void {
  const { resolve } = field;
  // Skips default resolvers and those that use `info`, which only return constants of a few bytes.
  if (!resolve || resolve.length > 3) return;
  const isNonNull = isNonNullType(field.type);
  // Must take three parameters: executors build `info` only for resolvers that take a fourth.
  const read = resolve as (source: unknown, args: object, context: GatewayContext) => unknown;
  field.resolve = (source, args, context) => context.answer.admit(read(source, args, context), isNonNull);
}

function markWrite(field: GraphQLField<unknown, GatewayContext>): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    context.answer.isMutation = true;
    return resolve(source, args, context, info);
  };
}
