import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import type { CreateSend } from './front-ends.ts';

/** Returns the hash that a document of the package carries. Its type in GraphQL does not declare it. */
function generateHash(document: object): string {
  const { __meta__: meta } = document as { readonly __meta__: { readonly hash: string } };
  return meta.hash;
}

/** Tells Apollo Client which objects a fragment on an interface or a union matches. */
const possibleTypes = {
  CreateAccountTaskResult: ['CreateAccountTaskPayload', 'CreateAccountTaskFailure'],
  WriteFailure: [
    'CreateAccountTaskFailure',
    'UpdateAccountTaskFailure',
    'RunAccountTaskFailure',
    'CreateClientFailure',
  ],
};

/** With Apollo Client: a failure is thrown; nothing is retried unless a link does it. */
export const createApolloSend: CreateSend = ({ url, authorization }, sent = 'text') => {
  const http = new HttpLink({ uri: url, headers: { Authorization: authorization } });
  const client = new ApolloClient({
    // A hash that is not known is an error, and no reason to send the text: that would be refused.
    link: sent === 'hash' ? new PersistedQueryLink({ generateHash, retry: () => false }).concat(http) : http,
    cache: new InMemoryCache({ possibleTypes }),
    clientAwareness: { name: 'front-end', version: '1.0' },
  });
  return ({ type, document, variables }) =>
    type === 'query'
      ? client.query({ query: document, variables, fetchPolicy: 'no-cache' })
      : client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' });
};
