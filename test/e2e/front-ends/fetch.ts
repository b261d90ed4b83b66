import { CreateAccountTaskDocument } from '../../../src/client/documents.ts';
import { createAccountTask } from '../web/src/create-account-task.ts';
import { hashOf } from './document-hash.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** Uses `fetch` alone, as the web page does. */
export const createFetchFrontEnd: CreateFrontEnd = (endpoint, sent = 'text') => ({
  createTask: (variables) =>
    createAccountTask(
      endpoint,
      variables,
      ...(sent === 'hash' ? [{ documentId: hashOf(CreateAccountTaskDocument) }] : []),
    ),
});
