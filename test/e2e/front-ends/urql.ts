import { Client, cacheExchange, fetchExchange, makeOperation, mapExchange } from '@urql/core';
import type { CreateSend } from './front-ends.ts';

/** In front of the cache, which adds to a document; the text stays away where an operation has these extensions. */
const hashExchange = mapExchange({
  onOperation: (operation) =>
    makeOperation(operation.kind, {
      ...operation,
      extensions: { persistedQuery: { version: 1, sha256Hash: operation.context['documentId'] as string } },
    }),
});

/** With urql: a failure is a result whose `error` has `graphQLErrors`, or a `networkError` where no answer came. */
export const createUrqlSend: CreateSend = ({ url, authorization }, sent = 'text') => {
  const client = new Client({
    url,
    exchanges: [...(sent === 'hash' ? [hashExchange] : []), cacheExchange, fetchExchange],
    fetchOptions: { headers: { Authorization: authorization } },
    preferGetMethod: false,
  });
  return ({ type, document, documentId, variables }) =>
    client[type](document, variables, { requestPolicy: 'network-only', documentId }).toPromise();
};
