/**
 * Telemetry types, kept in this room because the port (task-service.ts) passes them through. A step is one timed part of a
 * request. The tracer turns each step into a span; without a tracer nothing here is called.
 */
export type Step = FieldStep | ExchangeStep | CommitStep;

/** A GraphQL field is resolved. */
export interface FieldStep {
  readonly kind: 'field';
  readonly name: string;
}

/** An HTTP request is sent to the service and answered. */
export interface ExchangeStep {
  readonly kind: 'exchange';
  readonly url: string;
  /** The number of earlier attempts at the same request in this call. */
  readonly resends: number;
}

/** A database transaction is committed. */
export interface CommitStep {
  readonly kind: 'commit';
  /** The number of calls that share the commit. */
  readonly items: number;
}

/** How a step ended. */
export interface StepEnd {
  /** The HTTP status of the answer; absent if there was no answer. */
  readonly status?: number;
  /** Absent if the step succeeded. */
  readonly error?: unknown;
}

/** A step that has begun and not ended. */
export interface StepUnderWay {
  /** Trace headers (`traceparent`) to send to the other side; null if there are none. */
  readonly headers: Readonly<Record<string, string>> | null;
  /** Begins a step within this one. */
  readonly beginStep: BeginStep;
  end(end: StepEnd): void;
}

/** Called at the start of every step. Never throws. */
export type BeginStep = (step: Step) => StepUnderWay;
