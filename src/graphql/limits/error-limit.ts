/** At most 20 errors in an answer, and at most 20 failures of a request in the log; both say how many were left out. */
import { GraphQLError } from 'graphql';
import { TaskFailure } from '../../contract/failure.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RequestRecord } from '../../telemetry/request-record.ts';

const MAX_FAILURES = 20;

/** Returns the errors that an answer holds: the first ones, and every error about a write. */
export function limitErrors(
  errors: readonly GraphQLError[],
  record: RequestRecord | undefined,
  isOfWrite: (error: GraphQLError, index: number) => boolean = () => false,
): readonly GraphQLError[] {
  if (errors.length <= MAX_FAILURES) return errors;
  let others = MAX_FAILURES - errors.filter(isOfWrite).length;
  const kept = errors.filter((error, index) => isOfWrite(error, index) || (others -= 1) >= 0);
  if (record) record.failuresLeftOut += errors.length - kept.length;
  return kept;
}

/** Returns the errors of an answer, the last one saying how many were left out. */
export function withOmittedCount(errors: readonly GraphQLError[], omitted: number): GraphQLError[] {
  const last = errors.at(-1);
  if (!last || omitted === 0) return [...errors];
  const { nodes, source, positions, path, extensions } = last;
  const counted = new GraphQLError(`${last.message} (and ${omitted} more errors)`, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
  return [...errors.slice(0, -1), counted];
}

/**
 * Counts a failure and returns true if it may have a line in the log. One of unknown outcome always may: somebody has to
 * find out what happened.
 */
export function takeLogLine(error: unknown, record: RequestRecord | undefined): boolean {
  if (!record) return true;
  const isUnknown = error instanceof TaskFailure && error.outcome === 'UNKNOWN';
  if (record.failuresLogged >= MAX_FAILURES && !isUnknown) {
    record.failuresLeftOut += 1;
    return false;
  }
  record.failuresLogged += 1;
  return true;
}

/** Reports the number of failures that were left out to the log and the metrics. Called at the end of a request. */
export function reportOmittedFailures(
  { requestId, failuresLogged, failuresLeftOut }: RequestRecord,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): void {
  if (failuresLeftOut === 0) return;
  metrics.countRefusal('failures');
  if (failuresLogged > 0) log.warn({ requestId }, `and ${failuresLeftOut} more failures of this request`);
}
