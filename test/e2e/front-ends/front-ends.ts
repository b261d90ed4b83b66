import type { Send } from '../../../src/client/account-task-client.ts';
import { createApolloSend } from './apollo.ts';
import { createGraphqlRequestSend } from './graphql-request.ts';
import { createUrqlSend } from './urql.ts';

export { pendingAccountTasks, submitAccountTask } from '../../../src/client/account-task-client.ts';

export interface Endpoint {
  readonly url: string;
  readonly authorization: string;
}

/** Makes a `send` of a client library. Documents are sent as text, or by their hash for a gateway with trusted documents. */
export type CreateSend = (endpoint: Endpoint, sent?: 'text' | 'hash') => Send;

/** HTTP errors (400, 413) have a GraphQL body too, so the status does not matter. */
const createFetchSend: CreateSend =
  ({ url, authorization }, sent = 'text') =>
  async ({ query, documentId, variables }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: JSON.stringify(sent === 'hash' ? { documentId, variables } : { query, variables }),
    });
    return response.json() as Promise<unknown>;
  };

/** One `send` per GraphQL client, by the client's name. */
export const FRONT_ENDS: Readonly<Record<string, CreateSend>> = {
  fetch: createFetchSend,
  'graphql-request': createGraphqlRequestSend,
  '@urql/core': createUrqlSend,
  '@apollo/client': createApolloSend,
};
