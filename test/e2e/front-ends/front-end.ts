import type { CreateAccountTaskMutationVariables } from '../../../src/client/documents.ts';
import type { CreateOutcome, Endpoint } from '../web/src/create-account-task.ts';

/** A program that creates tasks through a GraphQL client and reads the outcome from a failure's extensions. */
export interface FrontEnd {
  createTask(variables: CreateAccountTaskMutationVariables): Promise<CreateOutcome>;
}

/** The form in which a front end sends a document: its text, or its hash for a gateway with trusted documents. */
export type SentDocument = 'text' | 'hash';

export type CreateFrontEnd = (endpoint: Endpoint, sent?: SentDocument) => FrontEnd;
