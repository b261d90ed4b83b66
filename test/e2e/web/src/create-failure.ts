/** A failed create, from the `extensions` of its error: all that a front end needs to decide what to do. */
export interface CreateFailure {
  /** The service's reason or a sentence of the gateway, to be shown to the user. */
  readonly message: string;
  readonly code: string;
  /** NOT_SENT: nothing left the gateway. REJECTED: nothing was created. UNKNOWN: the task may exist. */
  readonly outcome: 'NOT_SENT' | 'REJECTED' | 'UNKNOWN';
  /** True if the same create may be sent again unchanged. */
  readonly retryable: boolean;
  /** The service's code and reason; absent if the service gave none. */
  readonly errorCode?: string | null;
  readonly errorReason?: string | null;
  /** The ID to quote to support; the gateway's log holds it. */
  readonly requestId?: string;
}

/** An error as every GraphQL client returns it. */
interface GivenError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(['NOT_SENT', 'REJECTED', 'UNKNOWN']);

/** Returns the failure that an answer's first error describes. */
export function toCreateFailure({ message, extensions = {} }: GivenError): CreateFailure {
  // A proxy may have written the error, so an absent outcome is unknown.
  const isKnown = OUTCOMES.has(extensions['outcome']);
  return {
    code: 'UNEXPECTED_ANSWER',
    retryable: false,
    ...extensions,
    outcome: isKnown ? (extensions['outcome'] as CreateFailure['outcome']) : 'UNKNOWN',
    message,
  };
}

/** No readable answer came from the gateway, but the create may have reached it. */
export const NO_ANSWER: CreateFailure = {
  message: 'No answer came from the gateway.',
  code: 'NO_ANSWER',
  outcome: 'UNKNOWN',
  retryable: false,
};

/** The request could not be made. */
export const UNSENDABLE: CreateFailure = {
  message: 'The access token has characters that cannot be sent.',
  code: 'UNSENDABLE',
  outcome: 'NOT_SENT',
  retryable: false,
};
