import { GraphQLClient } from 'graphql-request';
import type { CreateSend } from './front-ends.ts';

/** With graphql-request: it resolves with the data, and throws a failure with the errors in its `response`. */
export const createGraphqlRequestSend: CreateSend = ({ url, authorization }, sent = 'text') => {
  const client = new GraphQLClient(url, { headers: { Authorization: authorization } });
  return ({ document, documentId, variables }) => {
    if (sent === 'text') return client.request(document, variables);
    // It knows nothing of hashes; what it is about to send may be changed, though.
    const byHash = new GraphQLClient(url, {
      headers: { Authorization: authorization },
      requestMiddleware: (request) => ({ ...request, body: JSON.stringify({ documentId, variables }) }),
    });
    return byHash.request(document, variables);
  };
};
