/**
 * The fate of a write that failed. NOT_SENT: nothing left this process. REJECTED: the service answered and did not do it.
 * UNKNOWN: the request left, but no trustworthy answer came, so it may have been done.
 */
export type Outcome = 'NOT_SENT' | 'REJECTED' | 'UNKNOWN';

/**
 * The facts of a failure code. A `restStatus` below 500 means that no task was created, as every client of the contract
 * assumes; 501 and 503 that none can be created now; 500 that its fate is unknown. `retryable` holds for every write but an update
 * of unknown fate: see `asRepeatable`.
 */
type Facts = readonly [outcomes: readonly Outcome[], retryable: boolean, restStatus: number, description: string];

/** Every failure code with its facts. The codes are this project's own; the contract documents none. */
// biome-ignore format: one row for each code
const FACTS = {
  BAD_USER_INPUT: [['NOT_SENT'], false, 400, 'A value is invalid; the message names it and says what is accepted.'],
  UNAUTHENTICATED: [['NOT_SENT', 'REJECTED'], false, 401, 'The credentials are missing or were not accepted.'],
  FORBIDDEN: [['NOT_SENT', 'REJECTED'], false, 403, 'The caller may not do this.'],
  CLIENT_REQUIRED: [['REJECTED'], false, 409, 'The account has no API client; create one first.'],
  TASK_NOT_FOUND: [['REJECTED'], false, 404, 'The taskId is not in the catalogue.'],
  ACCOUNT_TASK_NOT_FOUND: [['REJECTED'], false, 404, 'The caller has no account task with this ID.'],
  TASK_REJECTED: [['REJECTED'], false, 400, 'The service refused it and explains that in errorCode and errorReason.'],
  CONFLICT: [['REJECTED'], false, 409, 'The account task was changed after the given ifModified.'],
  IDEMPOTENCY_CONFLICT: [['NOT_SENT'], false, 409, 'The idempotencyKey was already used with another input.'],
  IDEMPOTENCY_IN_PROGRESS: [['NOT_SENT'], true, 409, 'A write with the same idempotencyKey is still in progress.'],
  NOT_SUPPORTED: [['NOT_SENT'], false, 501, 'This backend or its configuration cannot do it.'],
  OVERLOADED: [['NOT_SENT', 'REJECTED'], true, 429, 'Too many requests are in progress, or the service has stopped answering.'],
  STORE_UNAVAILABLE: [['NOT_SENT'], true, 503, 'The database cannot be reached or written, so nothing was sent or stored.'],
  STORE_FAILED: [['UNKNOWN'], false, 500, 'The database failed while it was storing the result.'],
  UPSTREAM_UNREACHABLE: [['NOT_SENT'], true, 503, "The service, or the issuer of the caller's token, cannot be reached."],
  UPSTREAM_TIMEOUT: [['UNKNOWN'], false, 500, 'The service did not answer in time.'],
  UPSTREAM_CONNECTION_LOST: [['UNKNOWN'], false, 500, 'The connection to the service was lost before its answer was complete.'],
  UPSTREAM_FAILED: [['UNKNOWN'], false, 500, 'The service failed while it was processing the request.'],
  UPSTREAM_UNREADABLE: [['UNKNOWN'], false, 500, 'The answer of the service cannot be read.'],
} as const satisfies Readonly<Record<string, Facts>>;

export type FailureCode = keyof typeof FACTS;

/** A code with one of its outcomes: `{ code: 'OVERLOADED', outcome: 'UNKNOWN' }` does not type-check. */
export type FailureKind = {
  [Code in FailureCode]: { readonly code: Code; readonly outcome: (typeof FACTS)[Code][0][number] };
}[FailureCode];

/** The codes that have only one outcome, so that it need not be given. */
export type SoleOutcomeCode = {
  [Code in FailureCode]: (typeof FACTS)[Code][0]['length'] extends 1 ? Code : never;
}[FailureCode];

/** Every failure code with its facts by name, for the GraphQL enum, the REST face, the metrics and the docs. */
export const FAILURES = (Object.entries(FACTS) as [FailureCode, Facts][]).map(
  ([code, [outcomes, retryable, restStatus, description]]) => ({ code, outcomes, retryable, restStatus, description }),
);

/** The members of an input that the port checks, as callers of GraphQL write them. */
type InputMember = 'parameters' | 'finishDate' | 'name' | 'secret';

export interface FailureEvidence {
  /** The envelope's ErrorCode, verbatim; absent if there was no envelope. */
  readonly errorCode?: string | null | undefined;
  /** The envelope's ErrorReason, verbatim; absent if there was no envelope. */
  readonly errorReason?: string | null | undefined;
  /** The invalid member of the input. The message starts with it, so that a face can put the path of the input in front. */
  readonly inputMember?: InputMember | undefined;
  /** Replaces the code's own `retryable`. */
  readonly retryable?: boolean;
  /** For the log only; never part of an answer. */
  readonly cause?: unknown;
}

/**
 * A failure that is understood, as opposed to a defect. Everything that fails a write in an expected way throws this class.
 * `message` is for the caller: it contains no address, header or body of the upstream.
 */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  readonly code: FailureCode;
  readonly outcome: Outcome;
  readonly errorCode: string | null | undefined;
  readonly errorReason: string | null | undefined;
  readonly inputMember: InputMember | undefined;
  /** True if the same request can be sent again unchanged without the risk of doing it twice. */
  readonly retryable: boolean;

  constructor(kind: FailureKind | SoleOutcomeCode, message: string, evidence: FailureEvidence = {}) {
    super(message, 'cause' in evidence ? { cause: evidence.cause } : undefined);
    const { code, outcome } = typeof kind === 'string' ? { code: kind, outcome: FACTS[kind][0][0] } : kind;
    this.code = code;
    this.outcome = outcome;
    this.errorCode = evidence.errorCode;
    this.errorReason = evidence.errorReason;
    this.inputMember = evidence.inputMember;
    this.retryable = evidence.retryable ?? FACTS[code][1];
  }

  /** The status of the REST endpoint's answer. */
  get restStatus(): number {
    return FACTS[this.code][2];
  }
}

/**
 * The failure of an update: retryable if its fate is unknown, because repeating it ends in the same state. Any other error is
 * returned as it is.
 */
export function asRepeatable(error: unknown): unknown {
  if (!(error instanceof TaskFailure) || error.outcome !== 'UNKNOWN') return error;
  const { message, errorCode, errorReason, cause } = error;
  return new TaskFailure(error as FailureKind, message, { errorCode, errorReason, cause, retryable: true });
}

const MESSAGE_END = 1_000;

/** Cuts the middle out of a long message: the important words stand before and after the value that it quotes. */
export function shortenMessage(message: string): string {
  return message.length > 2 * MESSAGE_END
    ? `${message.slice(0, MESSAGE_END)} … ${message.slice(-MESSAGE_END)}`
    : message;
}

/** The message for the log. It omits ErrorCode and ErrorReason, because the service may repeat any part of the request in them. */
export function toLogMessage({ message, errorCode, errorReason }: TaskFailure): string {
  return errorCode || errorReason
    ? 'The service gave a reason; its ErrorCode and ErrorReason are in the answer.'
    : message;
}

/** The failure of a read that was not finished, or of a write that was not sent, within OPERATION_TIMEOUT_MS. */
export function operationTimedOut(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The operation ran out of time before this could be done.',
  );
}

/** The failure of what this backend or its configuration cannot do. */
export function notSupported(message: string): TaskFailure {
  return new TaskFailure('NOT_SUPPORTED', message);
}

/**
 * The failure of an invalid value, refused before anything was sent or stored. Its message is `field: problem`.
 * @param field The path of the value in the caller's terms: `input.taskId` in GraphQL, `TaskID` in the contract.
 */
export function badInput(field: string, problem: string): TaskFailure {
  return new TaskFailure('BAD_USER_INPUT', `${field}: ${problem}`);
}

/** The same for a member of the input. A face that knows its path completes the message. */
export function badInputMember(inputMember: InputMember, problem: string): TaskFailure {
  return new TaskFailure('BAD_USER_INPUT', `${inputMember}: ${problem}`, {
    inputMember,
  });
}
