import { ClientError, GraphQLClient } from 'graphql-request';
import { CreateAccountTaskDocument } from '../../generated/graphql.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** With graphql-request: a failure is thrown, and its errors are in `response`. */
export const createGraphqlRequestFrontEnd: CreateFrontEnd = ({ url, authorization }) => {
  const client = new GraphQLClient(url, { headers: { Authorization: authorization } });
  return {
    async createTask(variables) {
      try {
        const { createAccountTask: payload } = await client.request(CreateAccountTaskDocument, variables);
        return { kind: 'created', payload };
      } catch (error) {
        const [first] = (error instanceof ClientError && error.response.errors) || [];
        return { kind: 'failed', failure: first ? toCreateFailure(first) : NO_ANSWER };
      }
    },
  };
};
