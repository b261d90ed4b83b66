import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { CreateAccountTaskDocument } from '../../../src/client/documents.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import { hashOf } from './document-hash.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** With Apollo Client: a failure is thrown, as CombinedGraphQLErrors where an answer came; nothing is retried unless a link does it. */
export const createApolloFrontEnd: CreateFrontEnd = ({ url, authorization }, sent = 'text') => {
  const http = new HttpLink({ uri: url, headers: { Authorization: authorization } });
  const client = new ApolloClient({
    // A hash that is not known is an error, and no reason to send the text: that would be refused.
    link: sent === 'hash' ? new PersistedQueryLink({ generateHash: hashOf, retry: () => false }).concat(http) : http,
    cache: new InMemoryCache(),
    clientAwareness: { name: 'front-end', version: '1.0' },
  });
  return {
    async createTask(variables) {
      try {
        const { data } = await client.mutate({ mutation: CreateAccountTaskDocument, variables });
        return data ? { kind: 'created', payload: data.createAccountTask } : { kind: 'failed', failure: NO_ANSWER };
      } catch (error) {
        const [first] = CombinedGraphQLErrors.is(error) ? error.errors : [];
        return { kind: 'failed', failure: first ? toCreateFailure(first) : NO_ANSWER };
      }
    },
  };
};
