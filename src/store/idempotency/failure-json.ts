import { type FailureEvidence, type FailureKind, TaskFailure } from '../../contract/failure.ts';

/** A failure of unknown fate, as the ledger keeps it. */
interface FailureRecord extends FailureEvidence {
  readonly code: Extract<FailureKind, { readonly outcome: 'UNKNOWN' }>['code'];
  readonly message: string;
}

/** A failure of unknown fate as text. */
export function formatFailure({ code, message, errorCode, errorReason }: TaskFailure): string {
  return JSON.stringify({ code, message, errorCode, errorReason });
}

/** The failure that `formatFailure` wrote. */
export function parseFailure(text: string): TaskFailure {
  const { code, message, ...evidence } = JSON.parse(text) as FailureRecord;
  return new TaskFailure({ code, outcome: 'UNKNOWN' }, message, evidence);
}
