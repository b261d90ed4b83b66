import { print } from 'graphql';
import {
  CreateAccountTaskDocument,
  type CreateAccountTaskMutation,
  type CreateAccountTaskMutationVariables,
} from '../../../generated/graphql.ts';
import { type CreateFailure, NO_ANSWER, toCreateFailure } from './create-failure.ts';

export interface Endpoint {
  readonly url: string;
  readonly authorization: string;
}

export type CreateOutcome =
  | { readonly kind: 'created'; readonly payload: CreateAccountTaskMutation['createAccountTask'] }
  | { readonly kind: 'failed'; readonly failure: CreateFailure };

interface Answer {
  readonly data?: CreateAccountTaskMutation | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

const QUERY = print(CreateAccountTaskDocument);

/** Asks for a task with `fetch` alone; it never throws, since whatever happens is an outcome that the user has to know. */
export async function createAccountTask(
  { url, authorization }: Endpoint,
  variables: CreateAccountTaskMutationVariables,
): Promise<CreateOutcome> {
  const answer = await post(url, authorization, { query: QUERY, variables }).catch(() => null);
  const [error] = answer?.errors ?? [];
  if (error) return { kind: 'failed', failure: toCreateFailure(error) };
  const payload = answer?.data?.createAccountTask;
  return payload ? { kind: 'created', payload } : { kind: 'failed', failure: NO_ANSWER };
}

/** Errors of HTTP itself (400, 413) have a GraphQL body too: the status does not matter. */
async function post(url: string, authorization: string, body: object): Promise<Answer | null> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer | null;
}
