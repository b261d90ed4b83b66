import type { CreateAccountTaskMutationVariables } from '../../generated/graphql.ts';
import type { CreateOutcome, Endpoint } from '../web/src/create-account-task.ts';

/** A program that creates tasks through a GraphQL client, and learns from a failure's extensions what became of one. */
export interface FrontEnd {
  createTask(variables: CreateAccountTaskMutationVariables): Promise<CreateOutcome>;
}

export type CreateFrontEnd = (endpoint: Endpoint) => FrontEnd;
