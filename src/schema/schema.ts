import type { GraphQLSchema } from 'graphql';
import type { EnumTables } from '../contract/enums.ts';
import { addAccountTask } from './account-task-type.ts';
import { addAccountTaskConnection } from './account-task-connection.ts';
import { createBuilder } from './builder.ts';
import { countLeaves } from './counted-leaves.ts';
import { addCreateAccountTask, addCreateAccountTaskInput } from './create-account-task.ts';
import { addCreateAccountTasks } from './create-account-tasks.ts';
import { addReferences, toSubgraphSchema } from './subgraph.ts';
import { addEnums, nameAcceptedMembers, addScalars } from './leaf-types.ts';

/** Creates the gateway's GraphQL schema, a Federation subgraph. Its task enums have the members of `tables`. */
export function createSchema(tables: EnumTables): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: "Reads the caller's own account tasks." });
  builder.mutationType({ description: 'Registers account tasks.' });
  addScalars(builder);
  const enums = addEnums(builder, tables);
  addReferences(builder);
  addAccountTask(builder, enums, tables);
  addAccountTaskConnection(builder);
  const CreateAccountTaskInput = addCreateAccountTaskInput(builder, enums);
  addCreateAccountTask(builder, CreateAccountTaskInput);
  addCreateAccountTasks(builder, CreateAccountTaskInput);
  return countLeaves(nameAcceptedMembers(toSubgraphSchema(builder.toSchema(), ['@key', '@shareable'])));
}
