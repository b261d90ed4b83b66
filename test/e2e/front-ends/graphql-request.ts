import { ClientError, GraphQLClient, type RequestMiddleware } from 'graphql-request';
import { CreateAccountTaskDocument } from '../../../src/client/documents.ts';
import { NO_ANSWER, toCreateFailure } from '../web/src/create-failure.ts';
import { HASHES } from './document-hash.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** It knows nothing of hashes; what it is about to send may be changed, though. */
const sendHash: RequestMiddleware = (request) => {
  const { query: _, ...others } = JSON.parse(request.body as string) as { readonly query: string };
  return { ...request, body: JSON.stringify({ ...others, documentId: HASHES[request.operationName ?? ''] }) };
};

/** With graphql-request: a failure is thrown, and its errors are in `response`. */
export const createGraphqlRequestFrontEnd: CreateFrontEnd = ({ url, authorization }, sent = 'text') => {
  const client = new GraphQLClient(url, {
    headers: { Authorization: authorization },
    ...(sent === 'hash' && { requestMiddleware: sendHash }),
  });
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
