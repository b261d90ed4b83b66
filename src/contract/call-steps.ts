/** What is done for a request: a field of it is resolved, and outside this process an exchange with the service or a commit. */
export type Step = FieldStep | ExchangeStep | CommitStep;

export interface FieldStep {
  readonly kind: 'field';
  readonly name: string;
}

export interface ExchangeStep {
  readonly kind: 'exchange';
  readonly url: string;
  /** How often the same request was tried before in this call. */
  readonly resends: number;
}

export interface CommitStep {
  readonly kind: 'commit';
  /** How many calls share the commit. */
  readonly items: number;
}

/** How a step ended. */
export interface StepEnd {
  /** The status of the answer; absent where there is none. */
  readonly status?: number;
  /** What went wrong; absent where nothing did. */
  readonly error?: unknown;
}

/** A step that is under way. */
export interface StepUnderWay {
  /** Headers to send along, so that the other side takes part in the caller's trace; null: there are none. */
  readonly headers: Readonly<Record<string, string>> | null;
  /** Told of the steps within this one. */
  readonly beginStep: BeginStep;
  end(end: StepEnd): void;
}

/** Told of every step as it begins. It never throws. */
export type BeginStep = (step: Step) => StepUnderWay;
