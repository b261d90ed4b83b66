import { type GraphQLSchema, graphqlSync } from 'graphql';
import type { EnumTables } from '../contract/enums.ts';
import { addAccountTask } from './account-task-type.ts';
import { addAccountTaskConnection } from './account-task-connection.ts';
import { createBuilder } from './builder.ts';
import { countLeaves } from './counted-leaves.ts';
import { addCreateAccountTask, addCreateAccountTaskInput } from './create-account-task.ts';
import { addCreateAccountTasks } from './create-account-tasks.ts';
import { addReferences, type SubgraphOptions, toSubgraphSchema } from './subgraph.ts';
import { addCreateAccountTaskResult } from './write-failure.ts';
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
  builder.mutationType({ description: 'Registers account tasks.' });
  addScalars(builder);
  const enums = addEnums(builder, tables);
  addReferences(builder);
  addAccountTask(builder, enums, tables);
  addAccountTaskConnection(builder);
  const CreateAccountTaskInput = addCreateAccountTaskInput(builder, enums);
  const CreateAccountTaskResult = addCreateAccountTaskResult(builder);
  addCreateAccountTask(builder, CreateAccountTaskInput, CreateAccountTaskResult);
  addCreateAccountTasks(builder, CreateAccountTaskInput, CreateAccountTaskResult);
  return countLeaves(nameAcceptedMembers(toSubgraphSchema(builder.toSchema(), SUBGRAPH)));
}

/** Prints a schema as a subgraph, with the directives of Federation: the SDL that `_service` gives to routers. */
export function printSubgraph(schema: GraphQLSchema): string {
  const { data } = graphqlSync({ schema, source: '{ _service { sdl } }' });
  const { _service: service } = data as unknown as { readonly _service: { readonly sdl: string } };
  return service.sdl;
}
