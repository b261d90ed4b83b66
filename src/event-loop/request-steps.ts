import { AsyncLocalStorage } from 'node:async_hooks';

/** A timed part of a request. */
export type Step = FieldStep | ExchangeStep | CommitStep;

/** A GraphQL field is resolved. */
export interface FieldStep {
  readonly kind: 'field';
  readonly name: string;
}

/** An HTTP request is sent to the service and answered. */
export interface ExchangeStep {
  readonly kind: 'exchange';
  readonly method: string;
  /** The path, with placeholders for what differs between requests. */
  readonly route: string;
  readonly url: string;
  /** The number of earlier attempts at the same request in this call. */
  readonly resends: number;
}

/** A database transaction is committed. */
export interface CommitStep {
  readonly kind: 'commit';
  /** The number of items that share the commit. */
  readonly items: number;
}

/** How a step ended. */
export interface StepEnd {
  /** The HTTP status of the answer; absent if there was no answer. */
  readonly status?: number;
  /** Absent if the step succeeded. */
  readonly error?: unknown;
}

/** The steps of a request, or the steps within one step. */
export interface Steps {
  /** Called at the start of every step. Never throws. */
  begin(step: Step): StepUnderWay;
}

/** A step that has begun and not ended. */
export interface StepUnderWay extends Steps {
  /** Trace headers (`traceparent`) to send to the other side; null if there are none. */
  readonly headers: Readonly<Record<string, string>> | null;
  end(end: StepEnd): void;
}

const storage = new AsyncLocalStorage<Steps | undefined>();

/** Runs `work`, whose steps `steps` observes; undefined if nothing does. Promises keep the steps, and callbacks of others do not. */
export function withSteps<Result>(steps: Steps | undefined, work: () => Result): Result {
  return storage.run(steps, work);
}

/**
 * Returns the steps of the request whose code runs. A callback of a connection, a batch or a timer may run in the context of
 * another request, so a step begins where its request waits, or with steps that were read there.
 */
export function currentSteps(): Steps | undefined {
  return storage.getStore();
}
