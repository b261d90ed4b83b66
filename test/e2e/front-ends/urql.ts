import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { CreateAccountTaskDocument } from '../../generated/graphql.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** With urql: a failure is a result whose `error` has `graphQLErrors`, or a `networkError` where no answer came. */
export const createUrqlFrontEnd: CreateFrontEnd = ({ url, authorization }) => {
  const client = new Client({
    url,
    exchanges: [cacheExchange, fetchExchange],
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
