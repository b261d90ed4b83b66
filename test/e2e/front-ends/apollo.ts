import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { CreateAccountTaskDocument } from '../../generated/graphql.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** With Apollo Client: a failure is thrown, as CombinedGraphQLErrors where an answer came; nothing is retried unless a link does it. */
export const createApolloFrontEnd: CreateFrontEnd = ({ url, authorization }) => {
  const client = new ApolloClient({
    link: new HttpLink({ uri: url, headers: { Authorization: authorization } }),
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
