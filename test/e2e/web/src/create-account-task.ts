import { print } from 'graphql';
import {
  CreateAccountTaskDocument,
  type CreateAccountTaskMutation,
  type CreateAccountTaskMutationVariables,
} from '../../../generated/graphql.ts';
import { type CreateFailure, NO_ANSWER, toCreateFailure, UNSENDABLE } from './create-failure.ts';

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
  document: { readonly query: string } | { readonly documentId: string } = { query: QUERY },
): Promise<CreateOutcome> {
  const request = toRequest(url, authorization, { ...document, variables });
  if (!request) return { kind: 'failed', failure: UNSENDABLE };
  // Errors of HTTP itself (400, 413) have a GraphQL body too: the status does not matter.
  const answer = await fetch(request)
    .then((response) => response.json() as Promise<Answer | null>)
    .catch(() => null);
  const [error] = answer?.errors ?? [];
  if (error) return { kind: 'failed', failure: toCreateFailure(error) };
  const payload = answer?.data?.createAccountTask;
  return payload ? { kind: 'created', payload } : { kind: 'failed', failure: NO_ANSWER };
}

/** Null where a header cannot be sent: then nothing has left, while whatever `fetch` throws may have struck later. */
function toRequest(url: string, authorization: string, body: object): Request | null {
  try {
    return new Request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: JSON.stringify(body),
    });
  } catch {
    return null;
  }
}
