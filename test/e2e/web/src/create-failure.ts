/** What a create that failed says in the `extensions` of its error: all that a front end needs to decide what to do. */
export interface CreateFailure {
  /** The service's reason, or a sentence of the gateway's; fit to be shown. */
  readonly message: string;
  readonly code: string;
  /** NOT_SENT: nothing left the gateway. REJECTED: nothing was created. UNKNOWN: the task may exist. */
  readonly outcome: 'NOT_SENT' | 'REJECTED' | 'UNKNOWN';
  /** Whether the same create may be sent again as it is. */
  readonly retryable: boolean;
  /** The service's own code and reason; absent where the service said nothing. */
  readonly errorCode?: string | null;
  readonly errorReason?: string | null;
  /** What to quote when asking about it: the gateway's log has it. */
  readonly requestId?: string;
}

/** An error as every GraphQL client gives it. */
interface GivenError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(['NOT_SENT', 'REJECTED', 'UNKNOWN']);

/** The failure that an answer tells of in its first error. */
export function toCreateFailure({ message, extensions = {} }: GivenError): CreateFailure {
  // Something between the page and the gateway may have written the error: what it does not say is not known.
  const isKnown = OUTCOMES.has(extensions['outcome']);
  return {
    code: 'UNEXPECTED_ANSWER',
    retryable: false,
    ...extensions,
    outcome: isKnown ? (extensions['outcome'] as CreateFailure['outcome']) : 'UNKNOWN',
    message,
  };
}

/** No answer came from the gateway, or none that can be read: the create may have reached it. */
export const NO_ANSWER: CreateFailure = {
  message: 'No answer came from the gateway.',
  code: 'NO_ANSWER',
  outcome: 'UNKNOWN',
  retryable: false,
};

/** The request could not even be made. */
export const UNSENDABLE: CreateFailure = {
  message: 'The access token has characters that cannot be sent.',
  code: 'UNSENDABLE',
  outcome: 'NOT_SENT',
  retryable: false,
};
