import type { GraphQLSchema } from 'graphql';
import type { EnumTables } from '../contract/enums.ts';
import { addAccountTask } from './account-task.ts';
import { addAccountTaskConnection } from './account-task-connection.ts';
import { createBuilder } from './builder.ts';
import { addCreateAccountTask } from './create-account-task.ts';
import { addEnums, nameAcceptedMembers } from './enums.ts';
import { addReferences } from './references.ts';
import { addScalars } from './scalars.ts';

/** The gateway's GraphQL schema; its task enums have the members of `tables`. */
export function createSchema(tables: EnumTables): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: "What can be read: the caller's own account tasks." });
  builder.mutationType({ description: 'What can be done.' });
  addScalars(builder);
  const enums = addEnums(builder, tables);
  addReferences(builder);
  addAccountTask(builder, enums, tables);
  addAccountTaskConnection(builder);
  addCreateAccountTask(builder, enums);
  return nameAcceptedMembers(builder.toSchema({ sortSchema: false }));
}
