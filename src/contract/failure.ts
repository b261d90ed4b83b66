/**
 * The fate of a create that failed. NOT_SENT: nothing left this process. REJECTED: the service answered and did not create.
 * UNKNOWN: the request left, but no trustworthy answer came, so the task may exist.
 */
export type Outcome = 'NOT_SENT' | 'REJECTED' | 'UNKNOWN';

/** Every failure code with the outcomes that it can have. The codes are this project's own; the contract documents none. */
const OUTCOMES = {
  BAD_USER_INPUT: ['NOT_SENT'],
  UNAUTHENTICATED: ['NOT_SENT', 'REJECTED'],
  FORBIDDEN: ['NOT_SENT', 'REJECTED'],
  CLIENT_REQUIRED: ['REJECTED'],
  TASK_NOT_FOUND: ['REJECTED'],
  TASK_REJECTED: ['REJECTED'],
  IDEMPOTENCY_CONFLICT: ['NOT_SENT'],
  IDEMPOTENCY_IN_PROGRESS: ['NOT_SENT'],
  UPSTREAM_UNREACHABLE: ['NOT_SENT'],
  OVERLOADED: ['NOT_SENT', 'REJECTED'],
  UPSTREAM_TIMEOUT: ['UNKNOWN'],
  UPSTREAM_CONNECTION_LOST: ['UNKNOWN'],
  UPSTREAM_FAILED: ['UNKNOWN'],
  UPSTREAM_UNREADABLE: ['UNKNOWN'],
} as const satisfies Record<string, readonly Outcome[]>;

export type FailureCode = keyof typeof OUTCOMES;

/** A code with one of its outcomes: `{ code: 'OVERLOADED', outcome: 'UNKNOWN' }` does not type-check. */
export type FailureKind = {
  [Code in FailureCode]: { readonly code: Code; readonly outcome: (typeof OUTCOMES)[Code][number] };
}[FailureCode];

/** Every valid pair of code and outcome. */
export const FAILURE_KINDS = Object.entries(OUTCOMES).flatMap(([code, outcomes]) =>
  outcomes.map((outcome) => ({ code, outcome }) as FailureKind),
);

export interface FailureEvidence {
  /** The envelope's ErrorCode, verbatim; absent if there was no envelope. */
  readonly errorCode?: string | null;
  /** The envelope's ErrorReason, verbatim; absent if there was no envelope. */
  readonly errorReason?: string | null;
  /** For the log only; never part of an answer. */
  readonly cause?: unknown;
}

/** The codes after which the same request can be sent again: nothing was created, and the cause is temporary. */
const RETRYABLE: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'OVERLOADED', 'IDEMPOTENCY_IN_PROGRESS']);

/**
 * A failure that is understood, as opposed to a defect. Everything that fails a create in an expected way throws this class.
 * `message` is for the caller: it contains no address, header or body of the upstream.
 */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  readonly code: FailureCode;
  readonly outcome: Outcome;
  readonly errorCode: string | null | undefined;
  readonly errorReason: string | null | undefined;

  constructor(kind: FailureKind, message: string, evidence: FailureEvidence = {}) {
    super(message, 'cause' in evidence ? { cause: evidence.cause } : undefined);
    this.code = kind.code;
    this.outcome = kind.outcome;
    this.errorCode = evidence.errorCode;
    this.errorReason = evidence.errorReason;
  }

  /** True if the same request can be sent again unchanged without the risk of creating the task twice. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
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
    ? 'The service refused the task; its ErrorCode and ErrorReason are in the answer.'
    : message;
}

/** The failure of a read that was not finished, or of a write that was not sent, within OPERATION_TIMEOUT_MS. */
export function operationTimedOut(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The operation ran out of time before this could be done.',
  );
}

/**
 * The failure of an invalid value, refused before anything was sent or stored. Its message is `field: problem`.
 * @param field The path of the value in the caller's terms: `input.taskId` in GraphQL, `TaskID` in the contract.
 */
export function badInput(field: string, problem: string): TaskFailure {
  return new TaskFailure({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, `${field}: ${problem}`);
}
