import type { FailureCode } from '../contract/failure.ts';

export const MASKED_CODE = 'INTERNAL_SERVER_ERROR';

const DESCRIPTIONS: Readonly<Record<FailureCode | typeof MASKED_CODE, string>> = {
  BAD_USER_INPUT: 'A value cannot be used; the message names it and what is accepted.',
  UNAUTHENTICATED: 'There are no credentials, or they are not accepted.',
  FORBIDDEN: 'The caller may not create the task.',
  CLIENT_REQUIRED: 'The account has no API client, which must be created first.',
  TASK_NOT_FOUND: 'The taskId is not in the catalogue.',
  TASK_REJECTED: 'The service refused the task; errorCode and errorReason are its own words.',
  IDEMPOTENCY_CONFLICT: 'The idempotencyKey was used with another input.',
  IDEMPOTENCY_IN_PROGRESS: 'A create with the same idempotencyKey is still under way.',
  UPSTREAM_UNREACHABLE: 'The service could not be reached, or the task store cannot be written.',
  OVERLOADED: 'Too much is under way, or the service has not been answering.',
  UPSTREAM_TIMEOUT: 'The service did not answer in time.',
  UPSTREAM_CONNECTION_LOST: 'The connection to the service was lost before its answer was whole.',
  UPSTREAM_FAILED: 'The service failed while it had the task.',
  UPSTREAM_UNREADABLE: 'The answer of the service cannot be read.',
  INTERNAL_SERVER_ERROR: 'A defect of the gateway: it is in the log.',
};

/** Every code as a member of a GraphQL enum. */
export const FAILURE_CODE_VALUES = Object.fromEntries(
  Object.entries(DESCRIPTIONS).map(([code, description]) => [code, { description }]),
) as Readonly<Record<keyof typeof DESCRIPTIONS, { readonly description: string }>>;
