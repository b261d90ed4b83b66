import { Client, cacheExchange, fetchExchange, makeOperation, mapExchange } from '@urql/core';
import { CreateAccountTaskDocument } from '../../../src/client/documents.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import { hashOf } from './document-hash.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** In front of the cache, which adds to a document and forgets its hash; the query stays away where an operation has these extensions. */
const hashExchange = mapExchange({
  onOperation: (operation) =>
    makeOperation(operation.kind, {
      ...operation,
      extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(operation.query) } },
    }),
});

/** With urql: a failure is a result whose `error` has `graphQLErrors`, or a `networkError` where no answer came. */
export const createUrqlFrontEnd: CreateFrontEnd = ({ url, authorization }, sent = 'text') => {
  const client = new Client({
    url,
    exchanges: [...(sent === 'hash' ? [hashExchange] : []), cacheExchange, fetchExchange],
    fetchOptions: { headers: { Authorization: authorization } },
    preferGetMethod: false,
  });
  return {
    async createTask(variables) {
      const { data, error } = await client.mutation(CreateAccountTaskDocument, variables).toPromise();
      const [first] = error?.graphQLErrors ?? [];
      if (first) return { kind: 'failed', failure: toCreateFailure(first) };
      return data ? { kind: 'created', payload: data.createAccountTask } : { kind: 'failed', failure: NO_ANSWER };
    },
  };
};
