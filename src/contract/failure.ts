/** What became of the create: did anything leave this process, and what is known of its fate? */
export type Outcome = 'NOT_SENT' | 'REJECTED' | 'UNKNOWN';

/** Every failure code with the outcomes it may carry. The codes are this project's own; the contract documents none. */
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

/** A code together with an outcome it may have: `{ code: 'OVERLOADED', outcome: 'UNKNOWN' }` does not type-check. */
export type FailureKind = {
  [Code in FailureCode]: { readonly code: Code; readonly outcome: (typeof OUTCOMES)[Code][number] };
}[FailureCode];

/** Every code with every outcome it may have. */
export const FAILURE_KINDS = Object.entries(OUTCOMES).flatMap(([code, outcomes]) =>
  outcomes.map((outcome) => ({ code, outcome }) as FailureKind),
);

export interface FailureEvidence {
  /** The envelope's ErrorCode, verbatim; absent when there was no envelope. */
  readonly errorCode?: string | null;
  /** The envelope's ErrorReason, verbatim; absent when there was no envelope. */
  readonly errorReason?: string | null;
  /** For the log only; never part of an answer. */
  readonly cause?: unknown;
}

/** Codes whose request may be repeated unchanged: nothing was created, and the reason passes. */
const RETRYABLE: ReadonlySet<FailureCode> = new Set(['UPSTREAM_UNREACHABLE', 'OVERLOADED', 'IDEMPOTENCY_IN_PROGRESS']);

/**
 * The one failure of this project, thrown where a failure is understood.
 * `message` is written for the caller: it names no address, header or body of the upstream.
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

  /** True when the same request may be sent again as it is, without a risk of creating the task twice. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}

const MESSAGE_END = 1_000;

/** A message without its middle if it is long: what matters stands before and behind the value that it quotes. */
export function shortenMessage(message: string): string {
  return message.length > 2 * MESSAGE_END
    ? `${message.slice(0, MESSAGE_END)} … ${message.slice(-MESSAGE_END)}`
    : message;
}

/** What a log may say of a failure: the service's own words may repeat whatever it was told. */
export function toLogMessage({ message, errorCode, errorReason }: TaskFailure): string {
  return errorCode || errorReason ? 'The service refused the task; its words are in the answer.' : message;
}

/** The end of the time that a GraphQL operation may take: what is not done by then is not done. */
export function operationTimedOut(): TaskFailure {
  return new TaskFailure(
    { code: 'OVERLOADED', outcome: 'NOT_SENT' },
    'The time that an operation may take was over before this was done.',
  );
}

/** Bad input, refused before anything was sent or stored. `field` is the contract's or GraphQL's path of the value. */
export function badInput(field: string, problem: string): TaskFailure {
  return new TaskFailure({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }, `${field}: ${problem}`);
}
