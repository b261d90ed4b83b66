import type { BeginStep } from '../contract/call-steps.ts';
import type { AnswerBudget } from '../schema/answer-budget.ts';

/** What answers a request; a path that anybody may invent is `other`. */
export type PathClass = 'graphql' | 'rest' | 'token' | 'health' | 'ready' | 'metrics' | 'other';

/** What is known of one request; every part of the server notes what it knows, and the log, metrics and trace are made of it. */
export interface RequestRecord {
  readonly requestId: string;
  readonly path: PathClass;
  readonly method: string;
  /** Of the caller's trace or of the one that begins here; null: there is none. */
  readonly traceId: string | null;
  /** In milliseconds of `performance.now()`. */
  readonly startedMs: number;
  /** Of the operation that ran; null: none has, or it has no name. */
  operationName: string | null;
  /** Null: no operation has run. */
  operationType: string | null;
  /** Of the failure that decides; null: there was none. */
  code: string | null;
  outcome: string | null;
  /** Summed over the request's exchanges with the service. */
  upstreamMs: number;
  /** Summed over the commits that the request had a part in. */
  commitMs: number;
  /** How many of the request's failures have a line in the log. */
  failuresLogged: number;
  /** How many have none, or no error in the answer. */
  failuresLeftOut: number;
  readonly beginStep: BeginStep;
  /** The bytes of its GraphQL answer; null before there is one. */
  answer: AnswerBudget | null;
}

/** Notes how a part of a request failed: the first failure decides, unless of a later one the fate is unknown. */
export function noteFailure(record: RequestRecord | undefined, code: string, outcome: string | null): void {
  if (!record || (record.code !== null && (outcome !== 'UNKNOWN' || record.outcome === 'UNKNOWN'))) return;
  record.code = code;
  record.outcome = outcome;
}

/** What became of the request's creates: CREATED where they did without a failure; null where nothing was to be created. */
export function toOutcome({ code, outcome, operationType, upstreamMs, commitMs }: RequestRecord): string | null {
  if (code !== null) return outcome;
  return operationType === 'mutation' && upstreamMs + commitMs > 0 ? 'CREATED' : null;
}
