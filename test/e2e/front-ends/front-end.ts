import type { CreateAccountTaskMutationVariables } from '../../generated/graphql.ts';
import type { CreateOutcome, Endpoint } from '../web/src/create-account-task.ts';

/** A program that creates tasks through a GraphQL client, and learns from a failure's extensions what became of one. */
export interface FrontEnd {
  createTask(variables: CreateAccountTaskMutationVariables): Promise<CreateOutcome>;
}

/** What a front end sends of its documents: their text, or the hash that a gateway of trusted documents knows them by. */
export type SentDocument = 'text' | 'hash';

export type CreateFrontEnd = (endpoint: Endpoint, sent?: SentDocument) => FrontEnd;
