import {
  defaultFieldResolver,
  getNullableType,
  type GraphQLField,
  type GraphQLSchema,
  graphqlSync,
  isIntrospectionType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { EnumTables } from '../contract/enums.ts';
import { addAccountTask } from './account-task-type.ts';
import { addAccountTaskConnection } from './account-task-connection.ts';
import { createBuilder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { addCreateAccountTasks } from './writes/create-account-tasks.ts';
import { addReferences, type SubgraphOptions, toSubgraphSchema } from './subgraph.ts';
import { addSingleWrites } from './writes/single-writes.ts';
import { addWriteFailure, addWriteOutcome } from './writes/write-outcome.ts';
import { addEnums, nameAcceptedMembers, addScalars } from './leaf-types.ts';

const SUBGRAPH: SubgraphOptions = {
  imports: ['@cost', '@key', '@listSize', '@shareable'],
  contact: {
    name: 'account-task-gateway',
    description: 'Registers scheduled tasks on customer accounts. docs/federation.md describes this subgraph.',
  },
};

/** Creates the gateway's GraphQL schema, a Federation subgraph. Its task enums have the members of `tables`. */
export function createSchema(tables: EnumTables): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: "Reads the caller's own account tasks." });
  builder.mutationType({ description: 'Registers, updates and runs account tasks, and adds API clients.' });
  addScalars(builder);
  const enums = addEnums(builder, tables);
  addReferences(builder);
  addAccountTask(builder, enums, tables);
  addAccountTaskConnection(builder, enums, tables);
  addWriteFailure(builder);
  const { CreateAccountTaskInput, CreateAccountTaskResult } = addSingleWrites(builder, enums);
  addCreateAccountTasks(builder, CreateAccountTaskInput, CreateAccountTaskResult);
  addWriteOutcome(builder);
  return countLeaves(nameAcceptedMembers(toSubgraphSchema(builder.toSchema(), SUBGRAPH)));
}

/** Prints a schema as a subgraph, with the directives of Federation: the SDL that `_service` gives to routers. */
export function printSubgraph(schema: GraphQLSchema): string {
  const { data } = graphqlSync({ schema, source: '{ _service { sdl } }' });
  const { _service: service } = data as unknown as { readonly _service: { readonly sdl: string } };
  return service.sdl;
}

/** Wraps resolvers: every leaf field charges its value to the budget of the answer, and every mutation marks the budget as one. */
function countLeaves(schema: GraphQLSchema): GraphQLSchema {
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
