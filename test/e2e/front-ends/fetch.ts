import { createAccountTask } from '../web/src/create-account-task.ts';
import type { CreateFrontEnd } from './front-end.ts';

/** With `fetch` alone, as the web page does it. */
export const createFetchFrontEnd: CreateFrontEnd = (endpoint) => ({
  createTask: (variables) => createAccountTask(endpoint, variables),
});
