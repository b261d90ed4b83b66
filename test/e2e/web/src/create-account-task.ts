import { print } from 'graphql';
import {
  CreateAccountTaskDocument,
  type CreateAccountTaskMutation,
  type CreateAccountTaskMutationVariables,
} from '../../../../src/client/documents.ts';
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

/** Creates a task with `fetch` alone. It never throws: every result is an outcome to show to the user. */
export async function createAccountTask(
  { url, authorization }: Endpoint,
  variables: CreateAccountTaskMutationVariables,
  document: { readonly query: string } | { readonly documentId: string } = { query: QUERY },
): Promise<CreateOutcome> {
  const request = toRequest(url, authorization, { ...document, variables });
  if (!request) return { kind: 'failed', failure: UNSENDABLE };
  // HTTP errors (400, 413) have a GraphQL body too, so the status does not matter.
  const answer = await fetch(request)
    .then((response) => response.json() as Promise<Answer | null>)
    .catch(() => null);
  const [error] = answer?.errors ?? [];
  if (error) return { kind: 'failed', failure: toCreateFailure(error) };
  const payload = answer?.data?.createAccountTask;
  return payload ? { kind: 'created', payload } : { kind: 'failed', failure: NO_ANSWER };
}

/** Returns null if a header cannot be sent. Nothing has left then, whereas `fetch` may throw after sending. */
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
